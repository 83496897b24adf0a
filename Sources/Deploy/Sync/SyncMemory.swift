import Synchronization

/// What was synced into the containers of each image, and into which: a container that was started since, after a crash
/// for one, has the image's own files.
final class SyncMemory: Sendable {
  private struct Image {
    /// By destination: the latest.
    var changes: [String: FileChange] = [:]
    /// The containers that have all of them.
    var served: Set<SpareCommands.Key> = []
  }

  private let images = Mutex<[String: Image]>([:])

  /// What a container needs besides `changes`, so that it has all that was ever synced.
  func missing(in key: SpareCommands.Key, of image: String, besides changes: [FileChange]) -> [FileChange] {
    images.withLock { images in
      guard let known = images[image], !known.served.contains(key) else { return [] }
      let now = Set(changes.map(\.destination))
      return known.changes.values.filter { !now.contains($0.destination) }.sorted { $0.destination < $1.destination }
    }
  }

  /// All these containers have the changes, and what was synced before.
  func note(_ changes: [FileChange], in keys: [SpareCommands.Key], of image: String) {
    images.withLock { images in
      for change in changes { images[image, default: Image()].changes[change.destination] = change }
      images[image, default: Image()].served = Set(keys)
    }
  }
}
