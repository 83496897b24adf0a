#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The directory whose files a configuration may name by itself.
public enum Repository {
  /// The Git work tree that a directory is in; the directory itself where there is none. A home directory that is a
  /// work tree does not count: what was unpacked into it is not its owner's.
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
