import ControlAPI
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The names of this installation's own agents in each cluster, and their state when they were made; on disk, so that
/// the next daemon recognises them. A name in the cluster proves nothing: anyone who may edit the namespace can use it
/// too.
public final class AgentRecords: Sendable {
  /// The record of one agent.
  public struct Record: Codable, Sendable, Hashable {
    /// Random, so that no one can take it first.
    public var workload: String
    /// The Deployment's; nil until it is made.
    public var uid: String?
    /// The Deployment's: the API server counts every change to it (Kubernetes API, `metadata.generation`).
    public var generation: Int?
    /// The UIDs of its Secret and of the ConfigMap with its program: both are immutable.
    public var secret: String?
    public var program: String?

    /// Checks that an agent is the one that was made, and that no one has changed anything of it.
    func isOf(_ agent: AgentIdentity) -> Bool {
      guard uid != nil, generation != nil, secret != nil, program != nil else { return false }
      return uid == agent.uid && generation == agent.generation && secret == agent.secret && program == agent.program
    }
  }

  private let path: String?
  private let records: Mutex<[String: Record]>

  /// Reads the records.
  /// - Parameter path: a file in the user's state folder; one that cannot be decoded is moved aside. Nil keeps nothing
  ///   on disk.
  public init(path: String?) {
    self.path = path
    var read: [String: Record] = [:]
    if let path, let data = FileManager.default.contents(atPath: path) {
      if let decoded = try? JSONDecoder().decode([String: Record].self, from: data) {
        // Names go into requests and objects: an edited file's bad names are dropped here.
        read = decoded.filter { AgentNames.isName($0.value.workload) }
      } else {
        try? FileManager.default.moveItem(atPath: path, toPath: path + ".unreadable")
      }
    }
    records = Mutex(read)
  }

  /// Returns the record of one purpose; nil before it has a name.
  public subscript(key: String) -> Record? { records.withLock { $0[key] } }

  /// Returns the name of an agent, a new one the first time.
  /// - Parameter prefix: the beginning of the name, such as `gateway-`.
  public func name(_ key: String, prefix: String) throws(ControlError) -> String {
    if let known = self[key] { return known.workload }
    return try rename(key, prefix: prefix)
  }

  /// Gives an agent another name; an agent of the old name is not ours.
  @discardableResult
  public func rename(_ key: String, prefix: String) throws(ControlError) -> String {
    var generator = SystemRandomNumberGenerator()
    let record = Record(workload: prefix + AgentNames.hexadecimal(generator.next() as UInt64))
    try change { $0[key] = record }
    return record.workload
  }

  func made(_ key: String, as agent: AgentIdentity) throws(ControlError) {
    try change {
      $0[key]?.uid = agent.uid
      $0[key]?.generation = agent.generation
      $0[key]?.secret = agent.secret
      $0[key]?.program = agent.program
    }
  }

  /// Forgets an agent that is gone: the next one gets another name.
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
