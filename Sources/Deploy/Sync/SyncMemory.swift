import Synchronization

/// The files that were synced into the containers of each image, and those containers: one that was started since,
/// perhaps after a crash, has the image's own files.
final class SyncMemory: Sendable {
  private struct Image {
    /// The latest, by destination.
    var changes: [String: FileChange] = [:]
    /// The containers that have all of them.
    var served: Set<SpareCommands.Key> = []
  }

  private let images = Mutex<[String: Image]>([:])

  /// Returns the changes that a container needs besides `changes` to have everything synced so far.
  func missing(in key: SpareCommands.Key, of image: String, besides changes: [FileChange]) -> [FileChange] {
    images.withLock { images in
      guard let known = images[image], !known.served.contains(key) else { return [] }
      let now = Set(changes.map(\.destination))
      return known.changes.values.filter { !now.contains($0.destination) }.sorted { $0.destination < $1.destination }
    }
  }

  /// Notes that all these containers have the changes, and the earlier ones.
  func note(_ changes: [FileChange], in keys: [SpareCommands.Key], of image: String) {
    images.withLock { images in
      for change in changes { images[image, default: Image()].changes[change.destination] = change }
      images[image, default: Image()].served = Set(keys)
    }
  }
}
