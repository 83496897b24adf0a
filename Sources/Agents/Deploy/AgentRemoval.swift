import ControlAPI
import KubeAPI
import KubeObjects

/// Removes an agent from a cluster. Nothing else deletes one, so that no Service is left selecting an agent that no
/// longer exists: it would have no endpoint, and every request to it would fail.
public struct AgentRemoval: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let workload: String

  public init(client: KubeClient, namespace: String, workload: String) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
  }

  private var name: String { AgentNames.base(workload) }

  /// Gives back every Service that selects the agent, then deletes the Deployment and what it owned, so that nothing is
  /// in the way of a new one. An agent that doesn't exist is no error.
  /// - Parameter uid: only this very Deployment; nil for any of this name.
  /// - Returns: the Services that were given back.
  /// - Throws: if a Service still selects the agent, which then stays.
  @discardableResult
  public func remove(uid: String? = nil) async throws(ControlError) -> [String] {
    let found = try await attempt("looking for Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.deployments, name, namespace: namespace)
    }
    // Another's agent: its Services are theirs.
    if let uid, let found, found.uid != uid { return [] }
    let restored = try await giveBack(found)
    guard let found else { return restored }
    do throws(KubeError) {
      try await client.delete(.deployments, name, namespace: namespace, propagation: .background, uid: found.uid)
    } catch {
      guard error.isNotFound else { throw ControlError(error, doing: "deleting Deployment \(namespace)/\(name)") }
    }
    // The garbage collector would take them too, but a new agent of the same name needs the names now.
    for (resource, name) in AgentDeployer.owned(workload) {
      do throws(KubeError) {
        try await client.delete(resource, name, namespace: namespace, propagation: .background)
      } catch {
        // The garbage collector deletes what we may not.
        guard !error.isNotFound, !error.isForbidden else { continue }
        throw ControlError(error, doing: "deleting \(resource.kind) \(namespace)/\(name)")
      }
    }
    // Another daemon may have diverted a Service to it since the first check.
    return restored + (try await giveBack(found))
  }

  private func giveBack(_ agent: JSONValue?) async throws(ControlError) -> [String] {
    do throws(ControlError) {
      return try await DivertedServices(client: client, namespace: namespace, workload: workload).giveBack()
    } catch {
      // A gateway's or a shell's agent is no Service's endpoint, and its user may have no right to list Services.
      guard error.code == .forbidden, let agent, Self.isNeverReady(agent) else { throw error }
      return []
    }
  }

  private static func isNeverReady(_ deployment: JSONValue) -> Bool {
    let containers = deployment[path: "spec", "template", "spec", "containers"]?.elements ?? []
    return containers.contains { $0["command"]?.elements.contains(JSONValue("--never-ready")) ?? false }
  }
}
