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

/// A file that another program renews, such as a ServiceAccount's token: read again at most once a minute.
struct RefreshedFile {
  let path: String
  private var bytes: [UInt8]?
  private var readAt: ContinuousClock.Instant?

  init(_ path: String) { self.path = path }

  /// Returns the contents; the last good ones while the file is being replaced.
  /// - Throws: `KubeError.config` if it was never readable.
  mutating func contents(now: ContinuousClock.Instant = .now) throws(KubeError) -> [UInt8] {
    if let bytes, let readAt, now - readAt < .seconds(60) { return bytes }
    do {
      let fresh = try readFile(path)
      bytes = fresh
      readAt = now
      return fresh
    } catch {
      guard let bytes else { throw error }
      return bytes
    }
  }

  /// Makes the next call read the file.
  mutating func forget() { readAt = nil }
}

/// Reads a file or a pipe (`--kubeconfig <(…)`) to its end.
/// - Parameter limit: bytes; anything longer, such as a device without an end, is refused.
/// - Throws: `KubeError.config` with the reason.
func readFile(_ path: String, limit: Int = 16 << 20) throws(KubeError) -> [UInt8] {
  func failure(_ code: Int32) -> KubeError {
    let reason =
      switch code {
      case ENOENT, ENOTDIR: "does not exist"
      case EACCES, EPERM: "cannot be read: permission denied"
      case EISDIR: "is a directory"
      default: "cannot be read: \(String(cString: strerror(code)))"
      }
    return .config(file: path, problem: "the file \(reason)", remedy: "check the path and its permissions")
  }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw failure(errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw failure(errno) }
    if count == 0 { return bytes }
    bytes += chunk[..<count]
    guard bytes.count <= limit else {
      throw .config(
        file: path, problem: "the file has more than \(limit >> 20) MiB",
        remedy: "check the path, or divide the file: KUBECONFIG takes several")
    }
  }
}
