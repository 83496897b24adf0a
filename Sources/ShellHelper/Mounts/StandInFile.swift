import CShell
import Glibc

/// A file that covers one of the host's for as long as the shell runs.
final class StandInFile {
  private let name: String
  private let target: String
  /// Of the source, which may be renamed or removed once it is bound.
  private let fd: Int32
  private var device: UInt64 = 0
  private var inode: UInt64 = 0

  /// - Parameters:
  ///   - source: must be opened in the namespace of the mount.
  ///   - name: the path as programs know it; a symbolic link is followed.
  init(source: String, over name: String) throws(ShellError) {
    let step = "put \(source) over \(name)"
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard realpath(name, &buffer) != nil else {
      let reason = String(cString: strerror(Glibc.errno))
      throw ShellError(
        step, reason: "\(name): \(reason)",
        advice: "the host needs that file, if only an empty one: as root, make it where \(name) points to")
    }
    self.name = name
    target = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let opened = try check(cshell_open_path(source), step)
    fd = opened
    let kind = cshell_kind(Self.path(opened), 1, &device, &inode)
    guard kind == Int32(UInt8(ascii: "f")) else { throw ShellError(step, reason: "\(source) is no file") }
    try bind()
  }

  deinit { close(fd) }

  private static func path(_ fd: Int32) -> String { "/proc/self/fd/\(fd)" }

  private func bind() throws(ShellError) {
    try check(cshell_bind(Self.path(fd), target, 0), "put a file over \(target)", advice: Obstacle.advice(errno: EPERM))
  }

  /// True if programs see the stand-in: a host that renames a new file over the old one drops the mount (rename(2)).
  var isInPlace: Bool {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    return cshell_kind(name, 1, &device, &inode) >= 0 && device == self.device && inode == self.inode
  }

  /// Mounts it again. False while no file exists to mount it over.
  func restore() -> Bool { (try? bind()) != nil && isInPlace }
}
