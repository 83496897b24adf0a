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

/// Paths as text; a function reads the disk only if it says so.
enum Paths {
  /// Absolute, without `.` and `..`, as Go's filepath.Join cleans it. Symbolic links are not followed.
  static func absolute(_ path: String, in directory: String) -> String {
    var parts: [Substring] = []
    for part in (path.hasPrefix("/") ? path : directory + "/" + path).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// Returns the relative path from a directory to a path, both absolute and clean.
  static func relative(_ path: String, from directory: String) -> String {
    let (target, base) = (path.split(separator: "/"), directory.split(separator: "/"))
    let common = zip(target, base).prefix { $0 == $1 }.count
    let way = Array(repeating: "..", count: base.count - common) + target.dropFirst(common).map(String.init)
    return way.isEmpty ? "." : way.joined(separator: "/")
  }

  /// Resolves the symbolic links of the part that exists.
  static func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }

  static func isURL(_ path: String) -> Bool {
    !path.hasPrefix("/")
      && (path.contains("://") || path.hasPrefix("git@") || path.hasPrefix("github.com/") || path.contains("?ref="))
  }

  /// Checks whether kustomize could take it for something to fetch: an address,
  /// `user@host:path`, `github.com/…`, `gh:…`. Doubtful ones count.
  static func mayBeFetched(_ path: String) -> Bool {
    if path.hasPrefix("/") { return false }
    let text = path.lowercased()
    return text.contains("://") || text.contains("::") || text.contains("@") || text.contains("?")
      || text.hasPrefix("github.com")
      || (text.split(separator: "/").first?.contains(":") ?? false)
  }

  /// Checks whether a path is a directory or in it; both absolute and clean.
  static func isBelow(_ path: String, _ directory: String) -> Bool {
    path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
  }

  /// Checks whether a path is a repository's: below its root, and not git's own. `.git/config` may hold a password.
  static func isOf(_ repository: String, _ path: String) -> Bool {
    isBelow(path, repository)
      && !path.dropFirst(repository.count).split(separator: "/").contains { $0.lowercased() == ".git" }
  }

  /// nil if nothing exists.
  static func isDirectory(_ path: String) -> Bool? {
    var isDirectory = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) ? isDirectory : nil
  }

  static func isFile(_ path: String) -> Bool { isDirectory(path) == false }

  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Checks for a file with an end, also through a link: no device, no FIFO.
  static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Returns a directory's names, sorted; none if it cannot be read.
  static func entries(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  static func hasManifestExtension(_ path: String) -> Bool {
    [".yaml", ".yml", ".json"].contains { path.lowercased().hasSuffix($0) }
  }
}
