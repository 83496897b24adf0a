import ControlAPI
import FoundationEssentials

/// The record that a lab's process leaves for later commands.
struct LabRecord: Codable, Sendable, Equatable {
  var pid: Int32
  /// RFC 3339.
  var since: String
  /// Nil until the API server answers.
  var server: String?

  static func read(_ paths: LabPaths) -> LabRecord? {
    guard let data = FileManager.default.contents(atPath: paths.record) else { return nil }
    return try? JSONDecoder().decode(LabRecord.self, from: data)
  }

  func write(_ paths: LabPaths) throws {
    try JSONEncoder().encode(self).write(to: URL(filePath: paths.record), options: .atomic)
    paths.give(paths.record)
  }
}
