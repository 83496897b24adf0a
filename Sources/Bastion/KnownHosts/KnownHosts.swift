import CSSH2
import FoundationEssentials
import Glibc

/// The lines of one user's known_hosts files for one host. Not Sendable: it is used where it is made.
struct KnownHosts {
  enum Verdict: Equatable {
    case known
    case unknown
    /// The file has another key, or has revoked this one.
    case changed(expected: String)
  }

  /// Lines for `[host]:port`, or for the host at port 22.
  private let lines: [KnownHostsLine]
  /// Lines for the bare name of a host at another port. As with ssh they may confirm a key if the port has no line of
  /// its own, but never contradict one.
  private let portless: [KnownHostsLine]
  private let revoked: [KnownHostsLine]

  /// Reads the files; missing ones are skipped.
  init(files: [String], host: String, port: UInt16) { self.init(files.flatMap(Self.read), host: host, port: port) }

  init(_ all: [KnownHostsLine], host: String, port: UInt16) {
    guard SSHSession.library, let session = cssh2_offline_session() else {
      (lines, portless, revoked) = ([], [], [])
      return
    }
    defer { libssh2_session_free(session) }
    let bare = all.filter { $0.matches(host, session) }
    let exact = port == 22 ? bare : all.filter { $0.matches("[\(host)]:\(port)", session) }
    lines = exact.filter { $0.marker == .none }
    portless = port == 22 ? [] : bare.filter { $0.marker == .none }
    revoked = (exact + bare).filter { $0.marker == .revoked }
  }

  private static func read(_ file: String) -> [KnownHostsLine] {
    guard let data = FileManager.default.contents(atPath: file) else { return [] }
    let lines = String(decoding: data, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return lines.enumerated().compactMap { KnownHostsLine($1, file: file, line: $0 + 1) }
  }

  /// The types to ask for first: with another type than the known one, a server would look unknown.
  var keyTypes: [String] {
    var types: [String] = []
    for line in lines + portless where !types.contains(line.keyType) { types.append(line.keyType) }
    return types
  }

  /// - Parameter key: the key's blob, base64.
  func judge(type: String, key: String) -> Verdict {
    if let line = revoked.first(where: { $0.key == key }) { return .changed(expected: "\(line.place) has revoked it") }
    if lines.contains(where: { $0.key == key }) { return .known }
    if let line = lines.first(where: { $0.keyType == type }) {
      return .changed(expected: "\(line.place) has another one")
    }
    // As with ssh: known types are asked for first, so a server with another type has lost the known key.
    if let line = lines.first { return .changed(expected: "\(line.place) has one of another type, \(line.keyType)") }
    return portless.contains { $0.key == key } ? .known : .unknown
  }

  /// Adds a line to a file, which is made if missing (0600, its folder 0700).
  /// - Parameter isHashed: whether the name is hashed; nil: as in the file's other lines.
  /// - Throws: `BastionError.config`.
  static func append(_ name: String, type: String, key: String, to file: String, isHashed: Bool? = nil)
    throws(BastionError)
  {
    let isHashed = isHashed ?? read(file).contains { $0.hosts.hasPrefix(HostNameHash.magic) }
    let name = isHashed ? HostNameHash.text(name) : name
    let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    if !FileManager.default.fileExists(atPath: folder) { mkdir(folder, 0o700) }
    let fd = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard fd >= 0 else {
      throw .config(file: file, line: nil, problem: "the key could not be added: \(String(cString: strerror(errno)))")
    }
    defer { close(fd) }
    var last: UInt8 = 10
    let size = lseek(fd, 0, SEEK_END)
    if size > 0 { pread(fd, &last, 1, size - 1) }
    let text = (last == 10 ? "" : "\n") + "\(name) \(type) \(key)\n"
    guard write(fd, text, text.utf8.count) == text.utf8.count else {
      throw .config(file: file, line: nil, problem: "the key could not be added: \(String(cString: strerror(errno)))")
    }
  }
}
