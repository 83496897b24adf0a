import CShell
import Glibc

/// The file of a plan: read once, and removed. The helper may run as root for another user, so it takes only a file of
/// that user's, in a directory of that user's.
enum PlanFile {
  private static let maximumSize = 256 << 10

  /// Reads the file, and removes it once it has proved to be a plan. A refused file stays.
  /// - Parameters:
  ///   - owners: the users who may own it.
  ///   - parse: makes the plan of the text.
  static func take<Plan>(
    _ path: String, owners: Set<uid_t> = invokers(), parse: (_ text: String) throws(ShellError) -> Plan
  ) throws(ShellError) -> Plan {
    func refused(_ reason: String) -> ShellError {
      ShellError(
        path, reason: "this is no plan: \(reason)",
        advice: "devtunnel itself writes plans, and starts the helper with them")
    }
    // Split bytes, as the kernel does: a slash with a combining mark behind it is another Character.
    let parts = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).map { String(Substring($0)) }
    guard path.utf8.first == 0x2f, let name = parts.last, !name.isEmpty, name != ".", name != ".." else {
      throw refused("no absolute path of a file")
    }
    let directory = try check(
      opened(AT_FDCWD, parts.dropLast().joined(separator: "/") + "/", O_RDONLY | O_DIRECTORY),
      "open the directory of \(path)")
    defer { close(directory) }
    guard let place = status(directory), owners.contains(place.st_uid), place.st_mode & 0o022 == 0 else {
      throw refused("its directory is not the caller's alone")
    }
    let file = try check(opened(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), "read the plan \(path)")
    defer { close(file) }
    guard let found = status(file), found.st_mode & S_IFMT == S_IFREG else { throw refused("no regular file") }
    guard owners.contains(found.st_uid), found.st_mode & 0o022 == 0 else {
      throw refused("the file is not the caller's alone")
    }
    guard found.st_size < maximumSize else { throw refused("it is longer than \(maximumSize) bytes") }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: maximumSize)
    while bytes.count < maximumSize {
      let count = Glibc.read(file, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw ShellError("read the plan \(path)", errno: errno) }
      if count == 0 { break }
      bytes += part[..<count]
    }
    let plan = try parse(String(decoding: bytes, as: UTF8.self))
    guard unlinkat(directory, name, 0) == 0 else { throw ShellError("remove the plan \(path)", errno: errno) }
    return plan
  }

  /// Returns the lines of a plan that are neither empty nor comments, with their numbers.
  /// - Throws: for a NUL, at which the kernel would end a path.
  static func lines(of text: String, file: String) throws(ShellError) -> [(number: Int, line: Substring)] {
    var lines: [(number: Int, line: Substring)] = []
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      let number = lines.count + 1
      guard !line.utf8.contains(0) else { throw ShellError("\(file):\(number)", reason: "the line has a NUL") }
      lines.append((number, line))
    }
    return lines.filter { $0.line.first != "#" && $0.line.contains { $0 != " " } }
  }

  /// Returns this process's user; for root by sudo(8), also the caller.
  static func invokers(user: uid_t = geteuid(), sudo: String? = getenv("SUDO_UID").map { String(cString: $0) }) -> Set<
    uid_t
  > {
    guard user == 0, let caller = sudo.flatMap({ uid_t($0) }) else { return [user] }
    return [user, caller]
  }

  /// Returns a descriptor, or -errno.
  private static func opened(_ directory: Int32, _ path: String, _ flags: Int32) -> Int32 {
    let fd = openat(directory, path, flags | O_CLOEXEC)
    return fd < 0 ? -errno : fd
  }

  private static func status(_ fd: Int32) -> stat? {
    var found = stat()
    return fstat(fd, &found) == 0 ? found : nil
  }
}
