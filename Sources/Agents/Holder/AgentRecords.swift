#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import ControlAPI
import Synchronization

/// What this installation's own agents are called in each cluster, and how they were when they were made; on disk, so
/// that the next daemon knows them again. In the cluster a name proves nothing: whoever may edit the namespace can use
/// it too.
public final class AgentRecords: Sendable {
  public struct Record: Codable, Sendable, Hashable {
    /// Random, so that nobody can be there first.
    public var workload: String
    /// Of the Deployment; nil until it is made.
    public var uid: String?
    /// Of the Deployment: the API server counts every change to it (Kubernetes API, `metadata.generation`).
    public var generation: Int?
  }

  private let path: String?
  private let records: Mutex<[String: Record]>

  /// - - Parameter path: a file in the user's state folder; one that cannot be understood is moved aside. Nil keeps
  ///   nothing on disk.
  public init(path: String?) {
    self.path = path
    var read: [String: Record] = [:]
    if let path, let data = FileManager.default.contents(atPath: path) {
      if let decoded = try? JSONDecoder().decode([String: Record].self, from: data) {
        // Names go into requests and objects: a file that somebody has edited gets no further than here.
        read = decoded.filter { AgentNames.isName($0.value.workload) }
      } else {
        try? FileManager.default.moveItem(atPath: path, toPath: path + ".unreadable")
      }
    }
    records = Mutex(read)
  }

  /// The record of one purpose; nil before it has a name.
  public subscript(key: String) -> Record? { records.withLock { $0[key] } }

  /// The name of an agent; the first time, a new one.
  /// - Parameter prefix: `gateway-`, what the name begins with.
  public func name(_ key: String, prefix: String) throws(ControlError) -> String {
    if let known = self[key] { return known.workload }
    return try rename(key, prefix: prefix)
  }

  /// Gives an agent another name; what bears the old one is not ours.
  @discardableResult
  public func rename(_ key: String, prefix: String) throws(ControlError) -> String {
    var generator = SystemRandomNumberGenerator()
    let record = Record(workload: prefix + AgentNames.hexadecimal(generator.next() as UInt64))
    try change { $0[key] = record }
    return record.workload
  }

  func made(_ key: String, uid: String, generation: Int?) throws(ControlError) {
    try change {
      $0[key]?.uid = uid
      $0[key]?.generation = generation
    }
  }

  /// The agent is gone: the next one gets another name.
  public func forget(_ key: String) { try? change { $0[key] = nil } }

  private func change(_ edit: (inout [String: Record]) -> Void) throws(ControlError) {
    let problem: String? = records.withLock { records in
      edit(&records)
      guard let path else { return nil }
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try encoder.encode(records).write(to: URL(fileURLWithPath: path), options: .atomic)
        return nil
      } catch {
        return ControlError.aboutFile(error)
      }
    }
    if let problem, let path {
      throw ControlError(
        .failed, "\(path) cannot be written: \(problem)", remedy: "Make room, or make the folder writable.")
    }
  }
}
