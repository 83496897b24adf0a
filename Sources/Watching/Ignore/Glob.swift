/// A compiled pattern over a path's UTF-8 bytes. Three dialects share it: see the initializers in `Glob+Docker.swift` and `Glob+Git.swift`.
struct Glob: Sendable, Hashable {
  enum Token: Sendable, Hashable {
    case byte(UInt8)
    /// `?`: one character, no slash.
    case one
    /// `*`: any characters, no slash.
    case star
    /// `**/`: nothing, or anything that ends in a slash.
    case directories
    /// A final `**`: anything.
    case everything
    /// `[a-z]`. Ranges of Unicode scalars.
    case oneOf([ClosedRange<UInt32>], negated: Bool, slash: Bool)
  }

  var tokens: [Token]

  /// The whole path matches.
  func matches(_ path: UnsafeBufferPointer<UInt8>) -> Bool { matches(path[...], 0, prefix: false) }

  /// Some path that begins with this one and a slash could match.
  func mayMatch(below directory: UnsafeBufferPointer<UInt8>) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: directory.count + 1) { buffer in
      _ = buffer.initialize(from: directory)
      buffer.initializeElement(at: directory.count, to: UInt8(ascii: "/"))
      return matches(UnsafeBufferPointer(buffer)[...], 0, prefix: true)
    }
  }

  /// - Parameter prefix: the path's end need not be the pattern's.
  private func matches(_ path: Slice<UnsafeBufferPointer<UInt8>>, _ start: Int, prefix: Bool) -> Bool {
    var rest = path
    var index = start
    while index < tokens.count {
      if prefix, rest.isEmpty { return true }
      switch tokens[index] {
      case .byte(let byte):
        guard rest.first == byte else { return false }
        rest = rest.dropFirst()
      case .one:
        guard let first = rest.first, first != UInt8(ascii: "/") else { return false }
        rest = rest.dropFirst(UTF8Scalar(rest).length)
      case .oneOf(let ranges, let negated, let slash):
        guard let first = rest.first, slash || first != UInt8(ascii: "/") else { return false }
        let scalar = UTF8Scalar(rest)
        guard ranges.contains(where: { $0.contains(scalar.value) }) != negated else { return false }
        rest = rest.dropFirst(scalar.length)
      case .star: return matchesStar(rest, index + 1, prefix: prefix)
      case .directories: return matchesDirectories(rest, index + 1, prefix: prefix)
      case .everything: return true
      }
      index += 1
    }
    return rest.isEmpty
  }

  private func matchesStar(_ path: Slice<UnsafeBufferPointer<UInt8>>, _ next: Int, prefix: Bool) -> Bool {
    var rest = path
    while true {
      if matches(rest, next, prefix: prefix) { return true }
      guard let first = rest.first, first != UInt8(ascii: "/") else { return false }
      rest = rest.dropFirst()
    }
  }

  private func matchesDirectories(_ path: Slice<UnsafeBufferPointer<UInt8>>, _ next: Int, prefix: Bool) -> Bool {
    // In the middle of a path that is cut off, more directories may follow.
    if prefix { return true }
    if matches(path, next, prefix: false) { return true }
    for index in path.indices where path[index] == UInt8(ascii: "/") {
      if matches(path[(index + 1)...], next, prefix: false) { return true }
    }
    return false
  }
}

/// The character at the beginning of some bytes; a byte that is no UTF-8 stands for itself.
private struct UTF8Scalar {
  var value: UInt32
  var length: Int

  init(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    if bytes[bytes.startIndex] >= 0x80, case .scalarValue(let scalar) = decoder.decode(&iterator) {
      value = scalar.value
      length = UTF8.width(scalar)
    } else {
      value = UInt32(bytes[bytes.startIndex])
      length = 1
    }
  }
}

extension String {
  /// Calls with the UTF-8 bytes, without a copy for native strings.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
    var copy = self
    return copy.withUTF8(body)
  }
}
