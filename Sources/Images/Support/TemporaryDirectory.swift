import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A directory that `remove` deletes, with everything that a killed program left in it.
struct TemporaryDirectory: Sendable {
  let path: String

  /// Below `TMPDIR`, else /var/tmp, which has room for layers: /tmp may be memory.
  /// - Throws: `diskFull`, `commandFailed`.
  init(environment: [String: String]) throws(BuildError) {
    let parent = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/var/tmp"
    var template = Array((parent + "/devtunnel-images-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      let code = errno
      throw BuildError(system: code, "cannot make a temporary directory in \(parent)", path: parent)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

extension BuildError {
  /// A system call's failure: a full disk is a reason of its own.
  init(system code: Int32, _ message: String, path: String) {
    let isFull = code == ENOSPC || code == EDQUOT
    let place = isFull ? FileSystemSpace(at: path).map { "; the file system is full: \($0)" } ?? "" : ""
    self.init(
      isFull ? .diskFull : .commandFailed, message + ": " + String(cString: strerror(code)) + place,
      remedy: isFull ? BuildError.roomRemedy : nil)
  }

  static let roomRemedy =
    "make room there: `buildah rmi --prune`, `podman image prune` or `docker system prune` "
    + "removes images that nothing uses"
}
