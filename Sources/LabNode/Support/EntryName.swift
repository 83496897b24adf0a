/// Names and relative paths that a manifest or an image brings, judged by their bytes as the kernel does: a slash with
/// a combining mark behind it is one `Character`, and still a slash.
enum EntryName {
  /// Returns true for one name of a directory's entry: neither a path nor `.` nor `..`.
  static func isOne(_ name: some StringProtocol) -> Bool {
    let bytes = name.utf8
    guard (1...255).contains(bytes.count), !bytes.contains(0), !bytes.contains(UInt8(ascii: "/")) else { return false }
    return !bytes.elementsEqual(".".utf8) && !bytes.elementsEqual("..".utf8)
  }

  /// Splits a path at its slashes; empty parts and `.` are left out.
  static func split(_ path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }
  }

  /// Returns the names of a relative path; nil for one that is absolute, has a `..`, or could be no path.
  static func parts(of path: String) -> [String]? {
    guard path.utf8.first != UInt8(ascii: "/"), path.utf8.count < 4096 else { return nil }
    let parts = split(path)
    return parts.allSatisfy(isOne) ? parts : nil
  }
}
