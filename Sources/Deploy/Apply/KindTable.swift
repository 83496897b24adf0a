import KubeAPI
import Manifests

/// The kinds that the cluster has, asked for as manifests need them.
actor KindTable {
  private let client: KubeClient
  private var known: [String: [DiscoveredResource]] = [:]

  init(client: KubeClient) { self.client = client }

  /// Nil for a kind that the cluster does not have.
  func find(apiVersion: String, kind: String) async throws(KubeError) -> APIResource? {
    if let found = known[apiVersion]?.first(where: { $0.resource.kind == kind }) { return found.resource }
    let resources = try await client.resources(apiVersion: apiVersion)
    known[apiVersion] = resources
    return resources.first { $0.resource.kind == kind }?.resource
  }

  /// After a CRD: what was not there may be.
  func forget() { known = [:] }

  /// Asks for several groups at once.
  func load(_ apiVersions: Set<String>) async throws(KubeError) {
    for answer in await Self.ask(client, apiVersions.filter { known[$0] == nil }) {
      if let error = answer.error { throw error }
      // An empty answer may change; it is asked for again.
      if !answer.resources.isEmpty { known[answer.apiVersion] = answer.resources }
    }
  }

  /// Not a tuple with a `Result`: taken apart in an optimized build (Swift 6.3), its string was gone before it was
  /// used.
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
