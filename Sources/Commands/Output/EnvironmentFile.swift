import ControlAPI
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes environment variables as `KEY=VALUE` lines, sorted. A value that a shell or a dotenv reader would change is in single quotes.
struct EnvironmentFile: Sendable {
  private let path: String

  /// Looks whether the file can be written, before anything in the cluster changes.
  /// - Throws: `.badInput` that says why not.
  init(path: String) throws(ControlError) {
    self.path = path == "-" ? "/dev/stdout" : path
    guard !path.isEmpty else { throw ControlError(.badInput, "--env-file needs a file's name") }
    var status = stat()
    if stat(self.path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { throw Self.problem(path, EISDIR) }
      if access(self.path, W_OK) != 0 { throw Self.problem(path, errno) }
      return
    }
    let directory = self.path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let parent = directory.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : directory
    if stat(parent, &status) != 0 { throw Self.problem(path, errno) }
    if status.st_mode & S_IFMT != S_IFDIR { throw Self.problem(path, ENOTDIR) }
    if access(parent, W_OK | X_OK) != 0 { throw Self.problem(path, errno) }
  }

  /// Replaces the file's contents. A new file gets mode 0600: workloads have passwords in their environment.
  func write(_ environment: [String: String]) throws(ControlError) {
    let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw Self.problem(path, errno) }
    defer { close(fd) }
    Terminal(fd).write(Self.text(environment))
  }

  static func text(_ environment: [String: String]) -> String {
    environment.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))\n" }.joined()
  }

  private static func quoted(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: "_-./:,@%+=".utf8.contains(byte)
      }
    }
    return plain ? value : "'" + value.replacing("'", with: "'\\''") + "'"
  }

  private static func problem(_ path: String, _ code: Int32) -> ControlError {
    ControlError(.badInput, "cannot write --env-file \(path): \(String(cString: strerror(code)))", remedy: "name a file that you can write")
  }
}
