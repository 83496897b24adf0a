#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Paths as text; nothing here asks whether a file is there unless it says so.
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

  /// The way from a directory to a path, both absolute and clean.
  static func relative(_ path: String, from directory: String) -> String {
    let (target, base) = (path.split(separator: "/"), directory.split(separator: "/"))
    let common = zip(target, base).prefix { $0 == $1 }.count
    let way = Array(repeating: "..", count: base.count - common) + target.dropFirst(common).map(String.init)
    return way.isEmpty ? "." : way.joined(separator: "/")
  }

  /// Without symbolic links, as far as it is there.
  static func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }

  static func isURL(_ path: String) -> Bool { path.contains("://") || path.hasPrefix("git@") || path.hasPrefix("github.com/") || path.contains("?ref=") }

  /// nil where there is nothing.
  static func isDirectory(_ path: String) -> Bool? {
    var isDirectory = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) ? isDirectory : nil
  }

  static func isFile(_ path: String) -> Bool { isDirectory(path) == false }

  /// Names in a directory, sorted; empty where it cannot be read.
  static func entries(_ directory: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted() }

  static func hasManifestExtension(_ path: String) -> Bool { [".yaml", ".yml", ".json"].contains { path.lowercased().hasSuffix($0) } }
}
