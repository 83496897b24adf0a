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
    for (version, answer) in await Self.ask(client, apiVersions.filter { known[$0] == nil }) {
      let resources = try answer.get()
      // An empty answer may change; it is asked for again.
      if !resources.isEmpty { known[version] = resources }
    }
  }

  private typealias Answer = (String, Result<[DiscoveredResource], KubeError>)

  private static func ask(_ client: KubeClient, _ apiVersions: Set<String>) async -> [Answer] {
    await withTaskGroup(of: Answer.self) { group in
      for version in apiVersions {
        group.addTask {
          do throws(KubeError) { return (version, .success(try await client.resources(apiVersion: version))) } catch {
            return (version, .failure(error))
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }
}
