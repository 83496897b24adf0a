import Manifests
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The latest output of each release: of thirty charts a save changes one. A chart that comes from elsewhere counts as
/// the same within one loop.
public final class HelmCache: Sendable {
  struct File: Sendable, Hashable {
    var path: String
    var seconds = 0
    var nanoseconds = 0
    var size = 0
    var inode: UInt64 = 0

    init(_ path: String) {
      self.path = path
      var status = stat()
      guard stat(path, &status) == 0 else { return }
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
      size = Int(status.st_size)
      inode = UInt64(status.st_ino)
    }
  }

  struct Key: Sendable, Hashable {
    var program: String
    var release: HelmRelease
    var settings: HelmRelease.Settings
    var options: [String]
    var namespace: String?
    var files: [File]
  }

  private let entries = Mutex<[String: (key: Key, output: HelmCall.Output)]>([:])

  public init() {}

  fileprivate subscript(name: String) -> (key: Key, output: HelmCall.Output)? {
    get { entries.withLock { $0[name] } }
    set { entries.withLock { $0[name] = newValue } }
  }
}

extension HelmCache? {
  /// Runs Helm, unless it ran with the same inputs before.
  func output(of call: HelmCall) async throws(InputError) -> HelmCall.Output {
    guard let self else { return try await call.run() }
    let name = "\(call.release.position?.description ?? "") \(call.release.name)"
    let key = call.key
    if let known = self[name], known.key == key { return known.output }
    let output = try await call.run()
    // `helm dependency build` may have added files.
    self[name] = (call.key, output)
    return output
  }
}
