import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

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
  /// in the way of a new one. An agent that doesn't exist is no error, and another workload's of the same name stays.
  /// - Parameters:
  ///   - uid: only this very Deployment; nil for the workload's, whichever it is.
  ///   - resourceVersion: only as it was read, so that no one has claimed it since; nil for any version.
  /// - Returns: the Services that were given back.
  /// - Throws: if a Service still selects the agent, which then stays.
  @discardableResult
  public func remove(uid: String? = nil, resourceVersion: String? = nil) async throws(ControlError) -> [String] {
    try await remove(await find(), uid: uid, resourceVersion: resourceVersion)
  }

  /// Returns the Deployment that has the agent's name now.
  func find() async throws(ControlError) -> JSONValue? {
    try await attempt("looking for Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.deployments, name, namespace: namespace)
    }
  }

  /// Checks that a Deployment of the agent's name is the agent.
  func isAgent(_ found: JSONValue, uid: String?) -> Bool {
    uid.map { $0 == found.uid } ?? AgentNames.isOf(found, workload)
  }

  func remove(_ found: JSONValue?, uid: String?, resourceVersion: String? = nil) async throws(ControlError) -> [String]
  {
    // Another's agent: its Services are theirs.
    if let found, !isAgent(found, uid: uid) { return [] }
    let restored = try await giveBack(found)
    guard let found else { return restored }
    do throws(KubeError) {
      try await client.delete(
        .deployments, name, namespace: namespace, propagation: .background, uid: found.uid,
        resourceVersion: resourceVersion)
    } catch {
      guard error.isNotFound else { throw ControlError(error, doing: "deleting Deployment \(namespace)/\(name)") }
    }
    // The garbage collector would take them too, but a new agent of the same name needs the names now.
    let problems: [ControlError] = await withTaskGroup(of: ControlError?.self) { group in
      for (resource, name) in AgentDeployer.owned(workload, by: found) {
        group.addTask { await removeOwned(resource, name, by: found.uid) }
      }
      return await group.reduce(into: []) { problems, problem in if let problem { problems.append(problem) } }
    }
    if let first = problems.first { throw first }
    // Another daemon may have diverted a Service to it since the first check.
    return restored + (try await giveBack(found))
  }

  /// Deletes an object that the Deployment owned. One of the same name is another's: a new agent's, for one.
  private func removeOwned(_ resource: APIResource, _ name: String, by owner: String?) async -> ControlError? {
    do throws(KubeError) {
      guard let owner, let found = try await client.findMetadata(resource, name, namespace: namespace),
        found.owners.contains(where: { $0.uid == owner })
      else { return nil }
      try await client.delete(resource, name, namespace: namespace, propagation: .background, uid: found.uid)
      return nil
    } catch {
      // The garbage collector deletes what we may not. A conflict: the name is another object's by now.
      guard !error.isNotFound, !error.isForbidden, !error.isConflict else { return nil }
      return ControlError(error, doing: "deleting \(resource.kind) \(namespace)/\(name)")
    }
  }

  private func giveBack(_ agent: JSONValue?) async throws(ControlError) -> [String] {
    do throws(ControlError) {
      return try await DivertedServices(client: client, namespace: namespace, workload: workload).giveBack()
    } catch {
      // A gateway's or a shell's agent is no Service's endpoint: its user may have no right to list Services, and one
      // that someone else made select it would lose nothing.
      guard error.code == .forbidden || error.code == .refused, let agent, Self.isNeverReady(agent) else { throw error }
      return []
    }
  }

  private static func isNeverReady(_ deployment: JSONValue) -> Bool {
    let containers = deployment[path: "spec", "template", "spec", "containers"]?.elements ?? []
    return containers.contains { $0["command"]?.elements.contains(JSONValue("--never-ready")) ?? false }
  }
}
