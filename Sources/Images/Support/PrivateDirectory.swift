import FoundationEssentials
import Inputs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A directory that only this user may read and write. Data that another user could have put there is ignored.
struct PrivateDirectory: Sendable {
  let path: String

  /// The reason not to use it; nil if it is this user's own, or does not exist yet.
  var problem: String? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    if status.st_mode & S_IFMT != S_IFDIR { return "it is no directory" }
    if status.st_uid != geteuid() { return "it belongs to another user" }
    return status.st_mode & 0o022 == 0 ? nil : "others may write to it"
  }

  /// Reads a file; nil if it is missing, or the directory not safe.
  func read(_ name: String) -> [UInt8]? {
    problem == nil ? try? RegularFile.read(path + "/" + name, limit: 64 << 20) : nil
  }

  /// Writes a file in one go: never half of it, and no one else can read it.
  /// - Throws: an error number, or `EPERM` for a directory that is not this user's own.
  func write(_ name: String, _ bytes: [UInt8]) throws(RegularFile.Failure) {
    try make()
    var template = Array("\(path)/.\(name)-XXXXXX".utf8CString)
    // Mode 0600.
    let file = mkstemp(&template)
    guard file >= 0 else { throw .system(errno) }
    let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { Self.write(file, $0.baseAddress! + written, bytes.count - written) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        close(file)
        unlink(temporary)
        throw .system(code)
      }
      written += count
    }
    close(file)
    guard rename(temporary, path + "/" + name) == 0 else {
      let code = errno
      unlink(temporary)
      throw .system(code)
    }
  }

  private static func write(_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    #if canImport(Glibc)
      Glibc.write(file, bytes, count)
    #elseif canImport(Musl)
      Musl.write(file, bytes, count)
    #endif
  }

  private func make() throws(RegularFile.Failure) {
    try? FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    if problem != nil { throw .system(EPERM) }
    // An earlier version made it readable for all.
    if chmod(path, 0o700) != 0 { throw .system(errno) }
  }

  /// Returns a key that only this user has; makes it at the first call.
  func key(_ name: String) throws(RegularFile.Failure) -> [UInt8] {
    if let key = read(name), key.count == 32 { return key }
    var generator = SystemRandomNumberGenerator()
    let key = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64) { Array($0) } }
    try write(name, key)
    return key
  }
}
