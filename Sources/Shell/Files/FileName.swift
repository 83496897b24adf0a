/// The name of one entry of a directory, as bytes: never a path to another directory.
struct FileName: Hashable, Sendable, CustomStringConvertible {
  let bytes: [UInt8]

  /// - Throws: for an invalid name: empty, `.`, `..`, a slash, a NUL, more than 255 bytes (NAME_MAX).
  init(_ bytes: some Sequence<UInt8>) throws(HostFileError) {
    let bytes = Array(bytes)
    let dot = UInt8(ascii: ".")
    guard !bytes.isEmpty, bytes != [dot], bytes != [dot, dot], !bytes.contains(0), !bytes.contains(UInt8(ascii: "/")),
      bytes.count <= 255
    else {
      throw HostFileError("'\(String(decoding: bytes.prefix(64), as: UTF8.self))' is no name of a file")
    }
    self.bytes = bytes
  }

  init(_ text: String) throws(HostFileError) { try self.init(text.utf8) }

  /// A name written in the source.
  init(literal text: StaticString) {
    bytes = text.withUTF8Buffer { Array($0) }
    precondition(
      (1...255).contains(bytes.count) && !bytes.contains(UInt8(ascii: "/")) && bytes.first != UInt8(ascii: "."))
  }

  /// Returns the parts of a path without a slash at either end.
  static func parts(_ path: [UInt8]) throws(HostFileError) -> [FileName] {
    var names: [FileName] = []
    for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      names.append(try FileName(part))
    }
    return names
  }

  /// The name for the user, with invalid UTF-8 repaired.
  var description: String { String(decoding: bytes, as: UTF8.self) }

  func withPointer<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}

/// The reason why a file of the host could not be written, read or removed; for the user.
struct HostFileError: Error, Hashable, Sendable, CustomStringConvertible {
  var description: String
  /// errno(3); 0 if no system call failed.
  var code: Int32 = 0

  init(_ description: String) { self.description = description }
}
