/// A compiled pattern over paths. It is matched in time proportional to the pattern's length times the path's, in all
/// cases: all states that the pattern may be in are followed at once.
public struct Glob: Sendable, Hashable {
  enum Token: Sendable, Hashable {
    case scalar(UInt32)
    /// `?`: one character, no slash.
    case one
    /// `*`: any characters, no slash.
    case star
    /// `**/`: nothing, or anything that ends in a slash.
    case directories
    /// `**`: any characters.
    case anything
    /// `[a-z]`. Ranges of Unicode scalars.
    case oneOf([ClosedRange<UInt32>], negated: Bool, slash: Bool)
    /// `{a,b}`: the pattern continues at one of these tokens, counted from this one.
    case fork([Int])
    /// The pattern continues at this token, counted from this one.
    case jump(Int)
  }

  private var tokens: [Token]

  init(tokens: [Token]) { self.tokens = Self.collapsed(tokens) }

  /// Matches only this path.
  public init(literal path: some StringProtocol) { tokens = path.unicodeScalars.map { .scalar($0.value) } }

  /// The same pattern in any directory.
  public var anywhere: Glob { Glob(tokens: tokens.first == .directories ? tokens : [.directories] + tokens) }

  /// The same pattern below a directory.
  public func below(_ directory: some StringProtocol) -> Glob {
    Glob(tokens: Glob(literal: directory + "/").tokens + tokens)
  }

  /// Several stars in a row are one.
  private static func collapsed(_ tokens: [Token]) -> [Token] {
    // Forks count tokens.
    if tokens.contains(where: { if case .fork = $0 { true } else { false } }) { return tokens }
    var result: [Token] = []
    for token in tokens where result.last != token || ![.star, .directories, .anything].contains(token) {
      result.append(token)
    }
    return result
  }

  // MARK: Matching

  /// Checks whether the whole path matches.
  public func matches(_ path: UnsafeBufferPointer<UInt8>) -> Bool { run(path, isPrefix: false) }

  public func matches(_ path: String) -> Bool { path.withBytes { matches($0) } }

  /// Checks whether the whole path matches, or a directory that it is in.
  public func matchesPathOrParent(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
    run(path, isPrefix: false, countsParents: true)
  }

  /// Checks whether a path that begins with this one and a slash could match.
  public func mayMatch(below directory: UnsafeBufferPointer<UInt8>) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: directory.count + 1) { buffer in
      _ = buffer.initialize(from: directory)
      buffer.initializeElement(at: directory.count, to: UInt8(ascii: "/"))
      return run(UnsafeBufferPointer(buffer), isPrefix: true)
    }
  }

  /// - Parameters:
  ///   - isPrefix: true if the path may end before the pattern.
  ///   - countsParents: true if the pattern may end before a slash.
  private func run(_ path: UnsafeBufferPointer<UInt8>, isPrefix: Bool, countsParents: Bool = false) -> Bool {
    let slash = UInt8(ascii: "/")
    var offset = 0
    var start = 0
    // Most patterns begin with plain text, which needs no set of states.
    while start < tokens.count, case .scalar(let value) = tokens[start] {
      guard offset < path.count else { return isPrefix }
      let scalar = UTF8Scalar(path, at: offset)
      guard scalar.value == value else { return false }
      offset += scalar.length
      start += 1
    }
    if start == tokens.count { return offset == path.count || countsParents && path[offset] == slash }
    let words = (tokens.count - start) / 64 + 1
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * words) { memory in
      memory.initialize(repeating: 0)
      var now = States(words: UnsafeMutableBufferPointer(rebasing: memory[..<words]), start: start)
      var next = States(words: UnsafeMutableBufferPointer(rebasing: memory[words...]), start: start)
      enter(start, &now)
      while offset < path.count, !now.matchesRest {
        if countsParents, path[offset] == slash, now.contains(tokens.count) { return true }
        let scalar = UTF8Scalar(path, at: offset)
        offset += scalar.length
        step(scalar.value, from: now, to: &next)
        guard !next.isEmpty else { return false }
        swap(&now, &next)
        next.clear()
      }
      return now.matchesRest || isPrefix || now.contains(tokens.count)
    }
  }

  private func step(_ value: UInt32, from now: States, to next: inout States) {
    let slash = UInt32(UInt8(ascii: "/"))
    now.forEach { index in
      guard index < tokens.count else { return }
      switch tokens[index] {
      case .scalar(let own): if own == value { enter(index + 1, &next) }
      case .one: if value != slash { enter(index + 1, &next) }
      case .star: if value != slash { enter(index, &next) }
      case .anything: enter(index, &next)
      case .directories: if value == slash { enter(index, &next) } else { next.insert(index) }
      case .oneOf(let ranges, let negated, let takesSlash):
        guard takesSlash || value != slash, ranges.contains(where: { $0.contains(value) }) != negated else { return }
        enter(index + 1, &next)
      case .fork, .jump: break
      }
    }
  }

  /// Adds a state and those that it reaches without a character.
  private func enter(_ index: Int, _ states: inout States) {
    guard index < tokens.count else { return states.insert(index) }
    switch tokens[index] {
    case .fork(let offsets):
      guard !states.contains(index) else { return }
      states.insert(index)
      for offset in offsets { enter(index + offset, &states) }
    case .jump(let offset):
      guard !states.contains(index) else { return }
      states.insert(index)
      enter(index + offset, &states)
    case .anything where index == tokens.count - 1:
      states.matchesRest = true
      states.insert(index)
    case .star, .anything:
      guard !states.contains(index) else { return }
      states.insert(index)
      enter(index + 1, &states)
    case .directories:
      // The state may be in the set already, in the middle of a name.
      states.insert(index)
      enter(index + 1, &states)
    default: states.insert(index)
    }
  }

  /// A set of places in the pattern.
  private struct States {
    var words: UnsafeMutableBufferPointer<UInt64>
    let start: Int
    /// True if the pattern matches every rest of the path.
    var matchesRest = false

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    func contains(_ index: Int) -> Bool { words[(index - start) / 64] & 1 << UInt64((index - start) % 64) != 0 }

    mutating func insert(_ index: Int) { words[(index - start) / 64] |= 1 << UInt64((index - start) % 64) }

    mutating func clear() {
      words.update(repeating: 0)
      matchesRest = false
    }

    func forEach(_ body: (Int) -> Void) {
      for (position, word) in words.enumerated() {
        var rest = word
        while rest != 0 {
          body(start + position * 64 + rest.trailingZeroBitCount)
          rest &= rest - 1
        }
      }
    }
  }
}

/// The character at an offset in UTF-8; an invalid byte gets a value that no character has.
private struct UTF8Scalar {
  var value: UInt32
  var length = 1

  init(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) {
    let first = bytes[offset]
    guard first >= 0x80 else {
      value = UInt32(first)
      return
    }
    var iterator = bytes[offset...].makeIterator()
    var decoder = UTF8()
    if case .scalarValue(let scalar) = decoder.decode(&iterator) {
      value = scalar.value
      length = UTF8.width(scalar)
    } else {
      value = 0x11_0000 + UInt32(first)
    }
  }
}

extension String {
  /// Calls `body` with the UTF-8 bytes, without a copy for native strings.
  public func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
    var copy = self
    return copy.withUTF8(body)
  }
}
