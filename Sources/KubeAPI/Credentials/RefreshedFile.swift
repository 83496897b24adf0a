#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A file that somebody else renews, such as a ServiceAccount's token: read again at most once a minute.
struct RefreshedFile {
  let path: String
  private var bytes: [UInt8]?
  private var readAt: ContinuousClock.Instant?

  init(_ path: String) { self.path = path }

  /// The contents; the last good ones while the file is being replaced.
  /// - Throws: `KubeError.config` when it could not be read even once.
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

/// - Throws: `KubeError.config` with the reason.
func readFile(_ path: String) throws(KubeError) -> [UInt8] {
  do { return Array(try Data(contentsOf: URL(filePath: path))) } catch {
    let reason =
      switch (error as? CocoaError)?.code {
      case .fileReadNoSuchFile: "does not exist"
      case .fileReadNoPermission: "cannot be read: permission denied"
      default: "cannot be read: \(error)"
      }
    throw .config(file: path, problem: "the file \(reason)", remedy: "check the path and its permissions")
  }
}
