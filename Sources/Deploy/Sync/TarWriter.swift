/// Writes a tar archive (POSIX.1-2017, pax, "ustar Interchange Format"): files, directories and symbolic links, owned
/// by root. Paths that do not fit the header go into a pax extended header.
struct TarWriter {
  enum Entry {
    case file([UInt8])
    case directory
    case link(to: String)
  }

  private(set) var bytes: [UInt8] = []

  /// - Parameters:
  ///   - mode: permission bits.
  ///   - modified: seconds since 1970.
  mutating func append(_ path: String, _ entry: Entry, mode: UInt32, modified: Int64) {
    var records: [UInt8] = []
    let fitted = Self.fit(path)
    if fitted == nil { records += Self.record("path", path) }
    var target = ""
    if case .link(let path) = entry {
      target = path
      if target.utf8.count > 100 { records += Self.record("linkpath", target) }
    }
    if !records.isEmpty { write("pax", ("", "pax-header"), "x", records, mode: 0o644, modified: modified, target: "") }
    let (prefix, name) = fitted ?? ("", String(decoding: path.utf8.suffix(100), as: UTF8.self))
    switch entry {
    case .file(let content): write(path, (prefix, name), "0", content, mode: mode, modified: modified, target: "")
    case .directory: write(path, (prefix, name), "5", [], mode: mode, modified: modified, target: "")
    case .link: write(path, (prefix, name), "2", [], mode: mode, modified: modified, target: target)
    }
  }

  /// Returns the archive with its end: two empty blocks.
  func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

  private mutating func write(
    _ path: String, _ name: (prefix: String, name: String), _ type: Character, _ content: [UInt8], mode: UInt32,
    modified: Int64, target: String
  ) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int, _ limit: Int) {
      for (index, byte) in text.utf8.prefix(limit).enumerated() { header[offset + index] = byte }
    }
    func put(_ number: Int64, at offset: Int, digits: Int) {
      let octal = String(max(0, number), radix: 8)
      put(String(repeating: "0", count: max(0, digits - octal.count)) + octal, at: offset, digits)
    }
    put(name.name, at: 0, 100)
    put(Int64(mode & 0o7777), at: 100, digits: 7)
    put(0, at: 108, digits: 7)
    put(0, at: 116, digits: 7)
    put(Int64(content.count), at: 124, digits: 11)
    put(modified, at: 136, digits: 11)
    put("        ", at: 148, 8)
    put(String(type), at: 156, 1)
    put(target, at: 157, 100)
    put("ustar\u{0}00", at: 257, 8)
    put("root", at: 265, 32)
    put("root", at: 297, 32)
    put(name.prefix, at: 345, 155)
    // The sum over the header, its own field taken as spaces.
    put(header.reduce(Int64(0)) { $0 + Int64($1) }, at: 148, digits: 6)
    header[154] = 0
    bytes += header
    bytes += content
    bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  /// Splits a path: at most 100 bytes of name, and before a slash at most 155 of prefix; nil if it does not fit.
  private static func fit(_ path: String) -> (prefix: String, name: String)? {
    let bytes = Array(path.utf8)
    if bytes.count <= 100 { return ("", path) }
    guard let slash = bytes.indices.first(where: { bytes[$0] == UInt8(ascii: "/") && bytes.count - $0 - 1 <= 100 }),
      (1...155).contains(slash),
      slash + 1 < bytes.count
    else { return nil }
    return (String(decoding: bytes[..<slash], as: UTF8.self), String(decoding: bytes[(slash + 1)...], as: UTF8.self))
  }

  /// Returns `LENGTH KEY=VALUE\n`, the length counting its own digits.
  private static func record(_ key: String, _ value: String) -> [UInt8] {
    let rest = " \(key)=\(value)\n"
    var length = rest.utf8.count + 1
    while String(length).utf8.count + rest.utf8.count != length { length += 1 }
    return Array("\(length)\(rest)".utf8)
  }
}
