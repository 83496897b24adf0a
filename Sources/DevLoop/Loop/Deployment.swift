import Deploy
import KubeObjects
import Manifests

/// The loop's objects in the cluster.
struct Deployment: Sendable {
  /// An object as it was applied, and its id in the cluster.
  struct Live: Sendable {
    var object: JSONValue
    var id: ObjectID
    var applied: AppliedObject?
  }

  /// By the manifest's own id.
  private(set) var live: [ObjectID: Live] = [:]
  /// Objects that were applied and not yet seen ready.
  private(set) var unready: [ObjectID: AppliedObject] = [:]
  /// True once an apply was tried: there may be something to delete.
  var hasBegun = false
  /// True if the objects that left the manifests were deleted.
  private(set) var isPruned = false

  var isReady: Bool { !live.isEmpty && unready.isEmpty }
  /// All applied objects, sorted.
  var objects: Applied {
    Applied(objects: live.values.compactMap(\.applied).sorted { $0.id.description < $1.id.description })
  }
  var unreadyObjects: Applied { Applied(objects: Array(unready.values)) }

  /// Returns the manifests that differ from the cluster.
  func changed(_ manifests: [Manifest]) -> [Manifest] { manifests.filter { live[$0.id]?.object != $0.object } }

  mutating func take(_ applied: Applied, of manifests: [Manifest]) {
    for manifest in manifests {
      let object = applied.objects.first { $0.id.isIn(manifest.id) }
      live[manifest.id] = Live(object: manifest.object, id: object?.id ?? manifest.id, applied: object)
      guard var object else { continue }
      // A container that an earlier apply replaced may still run.
      if let former = unready[object.id], former.uid == object.uid { object.replaced.merge(former.replaced) { $1 } }
      unready[object.id] = object
    }
  }

  /// Drops the objects that left the manifests.
  /// - Returns: the objects that the cluster is to keep, or nil if nothing has to be deleted.
  mutating func toKeep(_ manifests: [Manifest]) -> [ObjectID]? {
    let ids = Set(manifests.map(\.id))
    let gone = live.keys.filter { !ids.contains($0) }
    for id in gone {
      if let removed = live.removeValue(forKey: id) { unready[removed.id] = nil }
    }
    guard !gone.isEmpty || !isPruned else { return nil }
    isPruned = false
    return live.values.map(\.id)
  }

  /// Forgets lost objects, so that they are applied again: those in namespaces that this apply had to
  /// make, except its own.
  mutating func forgetLost(_ applied: Applied) {
    let kept = Set(applied.ids)
    let lost = live.filter { entry in
      !kept.contains(entry.value.id) && entry.value.id.namespace.map(applied.createdNamespaces.contains) ?? false
    }
    for id in lost.keys { live[id] = nil }
  }

  mutating func pruned() { isPruned = true }
  mutating func ready() { unready = [:] }

  /// Forgets everything, so that all is applied again.
  mutating func forget() {
    live = [:]
    unready = [:]
    isPruned = false
  }
}

extension ObjectID {
  /// Checks whether this id, as the cluster has it, is a manifest's, which may name no namespace.
  func isIn(_ manifest: ObjectID) -> Bool {
    kind == manifest.kind && name == manifest.name && apiVersion == manifest.apiVersion
      && (manifest.namespace == nil || manifest.namespace == namespace)
  }
}
