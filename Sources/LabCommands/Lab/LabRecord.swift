import ControlAPI
import FoundationEssentials
import Glibc
import LabNode

/// The record that a lab's process leaves for later commands.
struct LabRecord: Codable, Sendable, Equatable {
  var pid: Int32
  /// When the kernel started the process, in its own ticks: another process that has got the number since is another.
  var started: UInt64
  /// RFC 3339.
  var since: String
  /// Nil until the API server answers.
  var server: String?

  static func read(_ paths: LabPaths) -> LabRecord? {
    guard let data = FileManager.default.contents(atPath: paths.record) else { return nil }
    return try? JSONDecoder().decode(LabRecord.self, from: data)
  }

  /// The record is for the user behind sudo to read, and for root to write.
  func write(_ paths: LabPaths) throws {
    try JSONEncoder().encode(self).write(to: URL(filePath: paths.record), options: .atomic)
    chmod(paths.record, 0o644)
  }

  /// True while the process lives that wrote the record.
  var isAlive: Bool { ProcessIdentity(pid: pid)?.started == started }

  /// Sends a signal to the process that wrote the record, and to no other.
  /// - Returns: whether it lives.
  func send(_ signal: Int32) -> Bool { ProcessIdentity.send(signal, to: ProcessIdentity(pid: pid, started: started)) }
}
