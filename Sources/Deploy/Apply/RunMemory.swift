import KubeAPI
import Manifests
import Synchronization

/// A deployer's memory of its earlier calls, which saves requests. Correctness does not depend on it:
/// the cluster has it all.
final class RunMemory: Sendable {
  /// An object's identity for prune; a kind's versions are the same objects.
  struct Key: Hashable, Sendable {
    let group: String
    let kind: String
    let namespace: String?
    let name: String

    init(_ id: ObjectID) {
      group = id.apiVersion.split(separator: "/").dropLast().first.map(String.init) ?? ""
      kind = id.kind
      namespace = id.namespace
      name = id.name
    }
  }

  private struct State {
    var versions: [Key: (generation: Int, resourceVersion: String)] = [:]
    var namespaces: Set<String> = []
    /// The run's objects in the cluster; nil until the cluster was asked.
    var inventory: [Key: RunObject]?
  }

  private let state = Mutex(State())

  /// Notes an apply, and returns its effect.
  func note(_ object: AppliedObject, isNew: Bool) -> AppliedObject.Change {
    let key = Key(object.id)
    return state.withLock { state in
      let before = state.versions[key]
      state.versions[key] = (object.generation, object.resourceVersion)
      state.inventory?[key] = RunObject(id: object.id, resource: object.resource, uid: object.uid, isMirror: false)
      if isNew { return .created }
      guard let before else { return .changed }
      // Status changes the version, but not the generation; kinds without a generation have no relevant status.
      return
        (object.generation > 0
        ? before.generation == object.generation : before.resourceVersion == object.resourceVersion)
        ? .unchanged : .changed
    }
  }

  func forget(_ id: ObjectID) {
    state.withLock { state in
      state.versions[Key(id)] = nil
      state.inventory?[Key(id)] = nil
    }
  }

  var namespaces: Set<String> { state.withLock { $0.namespaces } }
  func note(namespaces: some Sequence<String> & Sendable) { state.withLock { $0.namespaces.formUnion(namespaces) } }
  func forgetNamespaces() { state.withLock { $0.namespaces = [] } }

  var inventory: [RunObject]? { state.withLock { $0.inventory.map { Array($0.values) } } }
  func set(inventory: [RunObject]?) {
    state.withLock { state in
      state.inventory = inventory.map { Dictionary($0.map { (Key($0.id), $0) }, uniquingKeysWith: { $1 }) }
    }
  }
}

/// An object of a run as it was found in the cluster.
struct RunObject: Sendable, Hashable {
  var id: ObjectID
  var resource: APIResource
  var uid: String
  var isMirror: Bool
}
