#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#endif

/// Files of the lab's state directory: keys among them, so all are readable by their owner alone.
enum StateFiles {
  static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw LabError(.stateDirectory, "the state directory \(path) cannot be made: \(error)")
    }
  }

  static func read(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Replaces a file as a whole: a reader sees the old text or the new.
  static func write(_ text: String, to path: String) throws {
    let temporary = path + ".new"
    let isMade = FileManager.default.createFile(
      atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    guard isMade, rename(temporary, path) == 0 else {
      throw LabError(.stateDirectory, "\(path) cannot be written: look at its directory")
    }
  }
}
