import Skaffold
import Watching

/// The changes that the cluster's containers lack: all since the last success, even if builds were cancelled meanwhile.
struct PendingWork: Sendable {
  /// Changed files of an artifact.
  struct Sources: Sendable, Hashable {
    var changed: Set<String> = []
    var deleted: Set<String> = []
    /// The files are not known: any of them may have changed.
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
  /// A Dockerfile or an ignore file changed: the watched files must be determined again.
  var definitions = false
  /// By image.
  var sources: [String: Sources] = [:]
  /// Files that were copied into running containers and are in no image, by image. A new Pod would lack them.
  var synced: [String: Sources] = [:]
  /// True if something must be applied, or waited for, even without changes: the last round did not get that far.
  var deploy = true

  var isEmpty: Bool { !reload && !render && sources.isEmpty && !deploy }
}
