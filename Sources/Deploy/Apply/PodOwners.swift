import KubeAPI
import KubeObjects
import Synchronization

/// Decides whether a Pod is of a run: it was applied, or one of its owners was.
struct PodOwners: Sendable {
  private let scope: RunScope
  /// Finds an owner in the cluster; nil if there is none.
  private let find: @Sendable (_ reference: OwnerReference, _ namespace: String?) async -> JSONValue?
  private let known = Known()

  private final class Known: Sendable {
    /// By UID: an owner never changes hands.
    let owners = Mutex<[String: JSONValue]>([:])
  }

  init(client: KubeClient, scope: RunScope) {
    let kinds = KindTable(client: client)
    self.init(scope: scope) { reference, namespace in
      guard let resource = try? await kinds.find(apiVersion: reference.apiVersion, kind: reference.kind) else {
        return nil
      }
      return try? await client.find(resource, reference.name, namespace: namespace)
    }
  }

  init(
    scope: RunScope, find: @escaping @Sendable (_ reference: OwnerReference, _ namespace: String?) async -> JSONValue?
  ) {
    self.scope = scope
    self.find = find
  }

  func areOfRun(_ pod: JSONValue) async -> Bool {
    guard let namespace = pod.namespace, scope.namespaces.contains(namespace) else { return false }
    if scope.holds(pod.uid) { return true }
    var object = pod
    // Pod, ReplicaSet, Deployment, perhaps a custom kind above. The limit also ends a circle of owners.
    for _ in 0..<5 {
      guard let reference = object.controllerReference else { return false }
      if scope.holds(reference.uid) { return true }
      guard let owner = await owner(reference, namespace) else { return false }
      object = owner
    }
    return false
  }

  private func owner(_ reference: OwnerReference, _ namespace: String) async -> JSONValue? {
    let uid = reference.uid
    if let found = known.owners.withLock({ $0[uid] }) { return found }
    // Another UID means another object of the same name.
    guard let found = await find(reference, namespace), found.uid == uid else { return nil }
    known.owners.withLock { owners in
      if owners.count > 1000 { owners = [:] }
      owners[uid] = found
    }
    return found
  }
}
