#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import ControlAPI
import Synchronization

/// What this user's daemon has changed in clusters, on disk before it is changed: so that the next daemon can undo it.
public final class Journal: Sendable {
  public struct Entry: Codable, Sendable, Hashable {
    public var cluster: ClusterSelection
    public var namespace: String
    public var service: String
    public var workload: String

    public init(cluster: ClusterSelection, namespace: String, service: String, workload: String) {
      self.cluster = cluster
      self.namespace = namespace
      self.service = service
      self.workload = workload
    }
  }

  private let path: String
  private let entries: Mutex<[Entry]>

  /// - Parameter path: a file in the user's state folder. One that cannot be read is moved aside, not lost.
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

  public var all: [Entry] { entries.withLock { $0 } }

  public func add(_ entry: Entry) throws(ControlError) { try change { if !$0.contains(entry) { $0.append(entry) } } }
  public func remove(_ entry: Entry) { try? change { $0.removeAll { $0 == entry } } }

  /// Written whole and renamed into place: a crash leaves the old or the new.
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
      throw ControlError(.failed, "the journal \(path) cannot be written: \(problem)", remedy: "Nothing was changed. Make room, or make the folder writable.")
    }
  }
}
