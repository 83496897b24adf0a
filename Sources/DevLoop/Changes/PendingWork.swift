import Skaffold
import Watching

/// What the cluster's containers lack, and why: all changes since the last success, however many builds were cancelled
/// meanwhile.
struct PendingWork: Sendable {
  /// Changed files of an artifact.
  struct Sources: Sendable, Hashable {
    var changed: Set<String> = []
    var deleted: Set<String> = []
    /// Not known file by file: everything may have changed.
    var isUnknown = false

    mutating func add(changed path: String) {
      changed.insert(path)
      deleted.remove(path)
    }

    mutating func add(deleted path: String) {
      deleted.insert(path)
      changed.remove(path)
    }

    mutating func merge(_ later: Sources) {
      later.changed.forEach { add(changed: $0) }
      later.deleted.forEach { add(deleted: $0) }
      isUnknown = isUnknown || later.isUnknown
    }
  }

  /// The configuration must be read.
  var reload = true
  /// The manifests must be rendered.
  var render = true
  /// A Dockerfile or an ignore file changed: what is watched must be found out again.
  var definitions = false
  /// By image.
  var sources: [String: Sources] = [:]
  /// What was copied into running containers and is in no image, by image. A new Pod would lack it.
  var synced: [String: Sources] = [:]
  /// Something must be applied, or waited for, although nothing changes any more: the last time it did not come that
  /// far.
  var deploy = true

  var isEmpty: Bool { !reload && !render && sources.isEmpty && !deploy }
}
