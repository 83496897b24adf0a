import KubeAPI
import Manifests

/// The kinds of the cluster, loaded as manifests need them.
actor KindTable {
  private let client: KubeClient
  private var known: [String: [DiscoveredResource]] = [:]

  init(client: KubeClient) { self.client = client }

  /// Finds a kind; nil if the cluster does not have it.
  func find(apiVersion: String, kind: String) async throws(KubeError) -> APIResource? {
    if let found = known[apiVersion]?.first(where: { $0.resource.kind == kind }) { return found.resource }
    let resources = try await client.resources(apiVersion: apiVersion)
    known[apiVersion] = resources
    return resources.first { $0.resource.kind == kind }?.resource
  }

  /// Forgets all kinds: a new CRD may have added some.
  func forget() { known = [:] }

  /// Loads several groups at once.
  func load(_ apiVersions: Set<String>) async throws(KubeError) {
    for answer in await Self.ask(client, apiVersions.filter { known[$0] == nil }) {
      if let error = answer.error { throw error }
      // An empty answer may change; do not keep it.
      if !answer.resources.isEmpty { known[answer.apiVersion] = answer.resources }
    }
  }

  /// Not a tuple with a `Result`: an optimized build (Swift 6.3) released its string before the last use.
  private struct Answer: Sendable {
    let apiVersion: String
    var resources: [DiscoveredResource] = []
    var error: KubeError?
  }

  private static func ask(_ client: KubeClient, _ apiVersions: Set<String>) async -> [Answer] {
    await withTaskGroup(of: Answer.self) { group in
      for version in apiVersions {
        group.addTask {
          var answer = Answer(apiVersion: version)
          do throws(KubeError) { answer.resources = try await client.resources(apiVersion: version) } catch {
            answer.error = error
          }
          return answer
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }
}
