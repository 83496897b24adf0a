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
///
/// They are split, compared and searched by their bytes, as the kernel and kustomize do. By `Character`s a slash with a
/// combining mark behind it would be no slash, and two names that look the same would be one.
enum Paths {
  /// Absolute, without `.` and `..`, as Go's filepath.Join cleans it. Symbolic links are not followed.
  static func absolute(_ path: String, in directory: String) -> String {
    var clean: [String] = []
    for part in parts(isAbsolute(path) ? path : directory + "/" + path) where part != "." {
      if part == ".." { _ = clean.popLast() } else { clean.append(part) }
    }
    return "/" + clean.joined(separator: "/")
  }

  static func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

  private static let slash = UInt8(ascii: "/")

  /// Returns the names between the slashes.
  static func parts(_ path: some StringProtocol) -> [String] {
    path.utf8.split(separator: slash).map { String(decoding: $0, as: UTF8.self) }
  }

  static func directory(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return "." }
    return end == path.startIndex ? "/" : String(path[..<end])
  }

  static func name(of path: String) -> String { parts(path).last ?? path }

  /// Returns the relative path from a directory to a path, both absolute and clean.
  static func relative(_ path: String, from directory: String) -> String {
    let (target, base) = (parts(path), parts(directory))
    let common = zip(target, base).prefix { isSame($0, $1) }.count
    let way = Array(repeating: "..", count: base.count - common) + target.dropFirst(common)
    return way.isEmpty ? "." : way.joined(separator: "/")
  }

  /// Checks whether two paths have the same bytes. `==` takes canonically equivalent ones for one, which the kernel
  /// does not.
  static func isSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

  /// Checks for a slash with a combining mark behind it: no honest path has one, and programs disagree about it.
  static func hidesSlash(_ path: String) -> Bool { path.contains { $0.utf8.first == slash && $0.utf8.count > 1 } }

  /// Resolves the symbolic links of the part that exists.
  static func real(_ path: String) -> String {
    var existing = isAbsolute(path) ? path : absolute(path, in: FileManager.default.currentDirectoryPath)
    var rest: [String] = []
    while true {
      if let found = realpath(existing, nil) {
        defer { free(found) }
        return absolute(rest.reversed().joined(separator: "/"), in: String(cString: found))
      }
      guard let last = parts(existing).last else { return absolute(path, in: "/") }
      rest.append(last)
      existing = directory(of: existing.utf8.last == slash ? absolute(existing, in: "/") : existing)
    }
  }

  /// Checks for one name in a directory, which leads nowhere else.
  static func isComponent(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(slash) && !name.utf8.contains(0)
  }

  static func isURL(_ path: String) -> Bool {
    !isAbsolute(path)
      && (has(path, "://") || begins(path, "git@") || begins(path, "github.com/") || has(path, "?ref="))
  }

  /// Checks whether kustomize could take it for something to fetch: an address,
  /// `user@host:path`, `github.com/…`, `gh:…`. Doubtful ones count.
  static func mayBeFetched(_ path: String) -> Bool {
    if isAbsolute(path) { return false }
    let text = path.lowercased()
    return has(text, "://") || has(text, "::") || has(text, "@") || has(text, "?") || begins(text, "github.com")
      || (parts(text).first?.utf8.contains(UInt8(ascii: ":")) ?? false)
  }

  private static func begins(_ text: String, _ start: String) -> Bool { text.utf8.starts(with: start.utf8) }

  private static func has(_ text: String, _ part: String) -> Bool {
    text.utf8.indices.contains { text.utf8[$0...].starts(with: part.utf8) }
  }

  /// Checks whether a path is a directory or in it; both absolute and clean.
  static func isBelow(_ path: String, _ directory: String) -> Bool {
    directory == "/" ? isAbsolute(path) : isSame(path, directory) || begins(path, directory + "/")
  }

  /// Checks whether a path is a repository's: below its root, and not git's own. `.git/config` may hold a password.
  static func isOf(_ repository: String, _ path: String) -> Bool {
    isBelow(path, repository)
      && !parts(path).dropFirst(parts(repository).count).contains { $0.lowercased() == ".git" }
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

  /// Returns the reason not to keep anything in a directory; nil if only this user may write there.
  static func problem(ofPrivate directory: String) -> String? {
    var status = stat()
    guard lstat(directory, &status) == 0 else { return "it cannot be made" }
    if status.st_mode & S_IFMT != S_IFDIR { return "it is no directory" }
    if status.st_uid != geteuid() { return "it belongs to another user" }
    return status.st_mode & 0o022 == 0 ? nil : "others may write to it"
  }

  /// Returns a directory's names, sorted; none if it cannot be read.
  static func entries(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  static func hasManifestExtension(_ path: String) -> Bool {
    [".yaml", ".yml", ".json"].contains { path.lowercased().hasSuffix($0) }
  }
}
