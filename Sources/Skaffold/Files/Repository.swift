#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The directory whose files a configuration may name by itself.
public enum Repository {
  /// Returns the Git work tree that holds a directory; the directory itself if none does. A home directory that is a
  /// work tree does not count: files unpacked there may be someone else's.
  /// - Parameters:
  ///   - directory: absolute.
  ///   - home: nil for that of the process.
  /// - Returns: a path without symbolic links.
  public static func root(of directory: String, home: String? = nil) -> String {
    let start = Paths.real(directory)
    let home = (home ?? ProcessInfo.processInfo.environment["HOME"]).map(Paths.real)
    var path = start
    while path != "/" {
      if let home, Paths.isBelow(home, path) { break }
      if Paths.isDirectory(path + "/.git") != nil { return path }
      path = Paths.directory(of: path)
    }
    return start
  }
}
