import ControlAPI
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes environment variables as `KEY=VALUE` lines, sorted. A value that a shell or a dotenv reader would change is
/// in single quotes.
struct EnvironmentFile: Sendable {
  private enum Place: Sendable {
    /// A descriptor of this process: it is not opened again, which would empty the file behind it.
    case descriptor(Int32)
    /// A FIFO or a device.
    case stream
    /// Replaced as a whole: a new file beside it takes its name.
    case file(folder: String, name: String)
  }

  private let path: String
  private let place: Place

  /// Checks that the file can be written, before anything in the cluster changes.
  /// - Throws: `.badInput` with the reason.
  init(path: String) throws(ControlError) {
    self.path = path
    guard !path.isEmpty else { throw ControlError(.badInput, "--env-file needs a file's name") }
    if let descriptor = Self.descriptor(path) {
      guard fcntl(descriptor, F_GETFD) >= 0 else { throw Self.problem(path, errno) }
      place = .descriptor(descriptor)
      return
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let above = parts.dropLast().joined(separator: "/")
    let folder = above.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : above
    var status = stat()
    let exists = lstat(path, &status) == 0
    if exists, access(path, W_OK) != 0 { throw Self.problem(path, errno) }
    switch exists ? status.st_mode & S_IFMT : S_IFREG {
    case S_IFREG:
      if stat(folder, &status) != 0 { throw Self.problem(path, errno) }
      if status.st_mode & S_IFMT != S_IFDIR { throw Self.problem(path, ENOTDIR) }
      if access(folder, W_OK | X_OK) != 0 { throw Self.problem(path, errno) }
      place = .file(folder: folder, name: String(parts.last ?? ""))
    case S_IFLNK:
      throw ControlError(
        .badInput, "--env-file \(path) is a symbolic link, which is not followed",
        remedy: "name the file that it points to, or remove the link")
    case S_IFDIR: throw Self.problem(path, EISDIR)
    default: place = .stream
    }
  }

  /// Returns the number in `/dev/fd/3` and the like.
  private static func descriptor(_ path: String) -> Int32? {
    switch path {
    case "-", "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default:
      let beginning = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix)
      return beginning.flatMap { Int32(path.dropFirst($0.count)) }.flatMap { $0 >= 0 ? $0 : nil }
    }
  }

  var isStandardOutput: Bool {
    if case .descriptor(STDOUT_FILENO) = place { true } else { false }
  }

  /// Writes the variables. A file keeps its former contents until all is written; the new file has mode 0600: workloads
  /// have passwords in their environment.
  /// - Returns: a warning if such a file cannot hold one of the variables.
  func write(_ environment: [String: String]) throws(ControlError) -> String? {
    let bytes = Array(Self.text(environment).utf8)
    switch place {
    case .descriptor(let descriptor): try put(bytes, descriptor)
    case .stream:
      let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Self.problem(path, errno) }
      defer { close(descriptor) }
      try put(bytes, descriptor)
    case .file(let folder, let name): try replace(name, in: folder, with: bytes)
    }
    let names = Self.unnamed(environment)
    guard !names.isEmpty else { return nil }
    return
      "variables with names that no shell can hold are left out of --env-file: "
      + names.map(Self.printable).joined(separator: ", ")
  }

  private func replace(_ name: String, in folder: String, with bytes: [UInt8]) throws(ControlError) {
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw Self.problem(path, errno) }
    defer { close(directory) }
    let fresh = ".\(name.prefix(200)).\(UInt32.random(in: .min ... .max))"
    let descriptor = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.problem(path, errno) }
    do throws(ControlError) {
      defer { close(descriptor) }
      // The umask may have removed bits.
      guard fchmod(descriptor, 0o600) == 0 else { throw Self.problem(path, errno) }
      try put(bytes, descriptor)
      guard fsync(descriptor) == 0, renameat(directory, fresh, directory, name) == 0 else {
        throw Self.problem(path, errno)
      }
    } catch {
      unlinkat(directory, fresh, 0)
      throw error
    }
  }

  private func put(_ bytes: [UInt8], _ descriptor: Int32) throws(ControlError) {
    // A terminal would obey control characters in values.
    let terminal = Terminal(descriptor)
    if terminal.isTerminal { return terminal.write(String(decoding: bytes, as: UTF8.self)) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        // Another process made the shared terminal or pipe non-blocking.
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&wait, 1, -1) > 0 { continue }
      }
      guard count > 0 else { throw Self.problem(path, count < 0 ? errno : ENOSPC) }
      rest = rest.dropFirst(count)
    }
  }

  // MARK: The text

  /// Returns the file's text. Kubernetes lets a name have any printable character but `=` (EnvVar), so a name could end
  /// the line's assignment and begin a command: such names are in a comment, without their values.
  static func text(_ environment: [String: String]) -> String {
    let comments = unnamed(environment).map { "# left out, since no shell can hold the name: \(printable($0))\n" }
    return comments.joined()
      + environment.filter { isName($0.key) }.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))\n" }
      .joined()
  }

  /// Returns the names that no shell can hold, sorted.
  private static func unnamed(_ environment: [String: String]) -> [String] {
    environment.keys.filter { !isName($0) }.sorted()
  }

  /// Checks POSIX's rule for names, XBD 3.230: letters, digits and underscores, no digit first.
  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
  }

  private static func printable(_ name: String) -> String {
    String(decoding: name.utf8.prefix(128).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  private static func quoted(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { isAlphanumeric($0) || "_-./:,@%+=".utf8.contains($0) }
    return plain ? value : ShellQuoting.quoted(value)
  }

  private static func problem(_ path: String, _ code: Int32) -> ControlError {
    ControlError(
      .badInput, "cannot write --env-file \(path): \(String(cString: strerror(code)))",
      remedy: "name a file that you can write")
  }
}

// `EnvironmentFile.write` hides the system call's name.
private func systemWrite(_ fd: Int32, _ data: UnsafeRawPointer?, _ count: Int) -> Int { write(fd, data, count) }
