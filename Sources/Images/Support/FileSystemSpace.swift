import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file system that a path is on.
struct FileSystemSpace: Sendable, CustomStringConvertible {
  let mountPoint: String
  /// Bytes that this user can still write.
  let free: UInt64
  let freeFiles: UInt64

  /// - Parameter path: absolute; if it does not exist, the nearest directory above it counts.
  init?(at path: String) {
    var existing = path
    while access(existing, F_OK) != 0 {
      guard let slash = existing.lastIndex(of: "/"), existing != "/" else { return nil }
      existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
    }
    var space = statvfs()
    guard statvfs(existing, &space) == 0 else { return nil }
    free = UInt64(space.f_bavail) * UInt64(space.f_frsize)
    freeFiles = UInt64(space.f_favail)
    mountPoint = Self.mountPoint(of: existing)
  }

  var description: String { "\(mountPoint) (\(free >> 20) MiB left" + (freeFiles == 0 ? ", no inodes" : "") + ")" }

  /// Returns the fullest of the file systems that these paths are on.
  static func fullest(of paths: [String]) -> FileSystemSpace? {
    paths.compactMap { FileSystemSpace(at: $0) }.min { $0.free < $1.free }
  }

  /// Returns the directory nearest to the root that is on the same device.
  private static func mountPoint(of path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    var place = String(cString: resolved)
    #if canImport(Glibc)
      Glibc.free(resolved)
    #elseif canImport(Musl)
      Musl.free(resolved)
    #endif
    var info = stat()
    guard stat(place, &info) == 0 else { return place }
    let device = info.st_dev
    while place != "/" {
      let above = place.lastIndex(of: "/").map { $0 == place.startIndex ? "/" : String(place[..<$0]) } ?? "/"
      guard stat(above, &info) == 0, info.st_dev == device else { return place }
      place = above
    }
    return place
  }
}
