import ControlAPI
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The changes that this user's daemon makes in clusters, on disk before each is made, so that the next daemon can undo
/// them.
public final class Journal: Sendable {
  /// One change in a cluster.
  public struct Entry: Codable, Sendable, Hashable {
    /// The selection that reaches the cluster.
    public var cluster: ClusterSelection
    /// The cluster's identity, since a context may mean another by the next daemon's time. Nil in entries from before
    /// this was recorded.
    public var identity: ClusterIdentity?
    public var namespace: String
    /// Empty for an agent without a Service: a gateway, or a shell's.
    public var service: String
    public var workload: String

    public init(
      cluster: ClusterSelection, identity: ClusterIdentity?, namespace: String, service: String, workload: String
    ) {
      self.cluster = cluster
      self.identity = identity
      self.namespace = namespace
      self.service = service
      self.workload = workload
    }

    /// Checks whether both name the same thing of the same cluster, however that is reached.
    public func isSame(as other: Entry) -> Bool {
      guard namespace == other.namespace, service == other.service, workload == other.workload else { return false }
      guard let identity, let theirs = other.identity else {
        return identity == other.identity && cluster == other.cluster
      }
      return identity.isSame(as: theirs)
    }
  }

  private let path: String
  private let entries: Mutex<[Entry]>

  /// Reads the journal.
  /// - Parameter path: a file in the user's state folder. One that cannot be decoded is moved aside, not lost.
  public init(path: String) {
    self.path = path
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var read: [Entry] = []
    if let data = FileManager.default.contents(atPath: path) {
      if let decoded = try? JSONDecoder().decode([Entry].self, from: data) {
        read = decoded
      } else {
        try? FileManager.default.moveItem(atPath: path, toPath: path + ".unreadable")
      }
    }
    entries = Mutex(read)
  }

  /// All entries, oldest first.
  public var all: [Entry] { entries.withLock { $0 } }

  /// Adds an entry; it replaces an earlier one about the same.
  public func add(_ entry: Entry) throws(ControlError) { try replace(entry, by: entry) }

  /// Removes an entry; a failure to write the file is ignored.
  public func remove(_ entry: Entry) { try? change { $0.removeAll { $0.isSame(as: entry) } } }

  /// Rewrites an entry, such as one of a former format once its cluster is known.
  public func replace(_ old: Entry, by new: Entry) throws(ControlError) {
    try change { entries in
      let index = entries.firstIndex { $0.isSame(as: old) } ?? entries.endIndex
      entries.removeAll { $0.isSame(as: old) || $0.isSame(as: new) }
      entries.insert(new, at: min(index, entries.endIndex))
    }
  }

  /// Writes the file whole and renames it into place: a crash leaves the old or the new.
  private func change(_ edit: (inout [Entry]) -> Void) throws(ControlError) {
    let problem: String? = entries.withLock { entries in
      edit(&entries)
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(entries).write(to: URL(fileURLWithPath: path), options: .atomic)
        return nil
      } catch {
        return ControlError.aboutFile(error)
      }
    }
    if let problem {
      throw ControlError(
        .failed, "the journal \(path) cannot be written: \(problem)",
        remedy: "Nothing was changed. Make room, or make the folder writable.")
    }
  }
}
