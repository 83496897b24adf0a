import ControlAPI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The random id of this installation, made once and kept in the state directory (mode 0600).
///
/// The file names its own inode and the machine, so that a copy of the directory, on this machine or another, gets an
/// id of its own.
public struct InstallationID: Sendable, Hashable {
  /// 32 hexadecimal digits.
  public let text: String
  /// A note for the log if a file with no id of this installation was replaced.
  public let notice: String?

  /// Checks that a text has the form of an id: 32 hexadecimal digits.
  public static func isID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  /// Reads the id, or makes it if there is none. Several processes that make it at once get the same.
  /// - Throws: `ControlError` that names the file if it can be neither read nor written.
  public static func load(path: String, machine: String = Self.machine) throws(ControlError) -> InstallationID {
    var notice: String?
    for _ in 0..<5 {
      switch try read(path, machine) {
      case .id(let text): return InstallationID(text: text, notice: notice)
      case .absent: break
      case .garbled:
        notice = "\(path) held no installation's id; it was moved to \(path).unreadable, and a new id was made"
        guard rename(path, path + ".unreadable") == 0 || errno == ENOENT else {
          throw failure("cannot be moved aside", path)
        }
      case .copied:
        notice = "\(path) was copied from another place; this installation has an id of its own now"
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("cannot be replaced", path) }
      }
      try make(path, machine)
    }
    throw ControlError(
      .failed, "the installation's id, \(path), keeps changing",
      remedy: "End the other devtunnel processes that use this directory.")
  }

  /// The checksum of the machine's id, which distinguishes it from its copies; empty if it has none.
  public static var machine: String {
    let text =
      FileManager.default.contents(atPath: "/etc/machine-id").map { String(decoding: $0.prefix(64), as: UTF8.self) }
      ?? ""
    return text.split(whereSeparator: \.isWhitespace).first.map { AgentNames.checksum(String($0)) } ?? ""
  }

  private enum Content {
    case absent, garbled, copied
    case id(String)
  }

  private static func read(_ path: String, _ machine: String) throws(ControlError) -> Content {
    let fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard fd >= 0 else {
      if errno == ENOENT { return .absent }
      if errno == ELOOP { return .garbled }
      throw failure("cannot be read", path)
    }
    defer { close(fd) }
    var status = stat()
    guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .garbled }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = Glibc.read(fd, &bytes, bytes.count)
    guard count >= 0 else { throw failure("cannot be read", path) }
    let words = String(decoding: bytes.prefix(count), as: UTF8.self).split(
      separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].last == "\n", isID(String(words[0])), let inode = UInt64(words[1]) else {
      return .garbled
    }
    guard inode == UInt64(status.st_ino), words[2].dropLast() == machine else { return .copied }
    return .id(String(words[0]))
  }

  /// Puts a whole file in place, unless another process was faster.
  private static func make(_ path: String, _ machine: String) throws(ControlError) {
    var generator = SystemRandomNumberGenerator()
    func digits() -> String { AgentNames.hexadecimal(generator.next() as UInt64) }
    let (id, draft) = (digits() + digits(), "\(path).\(digits())")
    let fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw failure("cannot be made", path) }
    defer {
      close(fd)
      unlink(draft)
    }
    var status = stat()
    guard fstat(fd, &status) == 0 else { throw failure("cannot be made", path) }
    let text = Array("\(id) \(UInt64(status.st_ino)) \(machine)\n".utf8)
    guard write(fd, text, text.count) == text.count, fsync(fd) == 0 else { throw failure("cannot be written", path) }
    guard link(draft, path) == 0 || errno == EEXIST else { throw failure("cannot be made", path) }
  }

  private static func failure(_ problem: String, _ path: String) -> ControlError {
    let reason = String(cString: strerror(errno))
    return ControlError(
      .failed, "the installation's id, \(path), \(problem): \(reason)",
      remedy: "Make the file and its directory yours to read and write, or remove the file: a new id is made.")
  }
}
