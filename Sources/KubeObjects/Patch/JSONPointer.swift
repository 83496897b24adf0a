/// A place in a JSON document (RFC 6901).
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
  /// The unescaped reference tokens; none for the whole document.
  public let tokens: [String]

  public init(_ tokens: [String]) { self.tokens = tokens }
  public init(_ tokens: String...) { self.tokens = tokens }

  /// Parses `/a~1b/0`.
  /// - Throws: `PatchError` with code `malformed` for a text that does not begin with a slash, or a `~`
  ///   that is neither `~0` nor `~1`.
  public init(parsing text: String) throws(PatchError) {
    guard !text.isEmpty else {
      self.tokens = []
      return
    }
    guard text.utf8.first == UInt8(ascii: "/") else {
      throw PatchError(.malformed, "the path '\(text)' does not begin with a slash")
    }
    var tokens: [String] = []
    for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      var token: [UInt8] = []
      var escaped = false
      for byte in part {
        if escaped {
          guard byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") else {
            throw PatchError(.malformed, "the path '\(text)' has a '~' without 0 or 1 behind it")
          }
          token.append(byte == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
          escaped = false
        } else if byte == UInt8(ascii: "~") {
          escaped = true
        } else {
          token.append(byte)
        }
      }
      guard !escaped else { throw PatchError(.malformed, "the path '\(text)' ends with a '~'") }
      tokens.append(String(decoding: token, as: UTF8.self))
    }
    self.tokens = tokens
  }

  /// The escaped text, as in a patch.
  public var description: String { tokens.map { "/" + Self.escape($0) }.joined() }

  private static func escape(_ token: String) -> String {
    var text: [UInt8] = []
    for byte in token.utf8 {
      switch byte {
      case UInt8(ascii: "~"): text += "~0".utf8
      case UInt8(ascii: "/"): text += "~1".utf8
      default: text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads the index of an existing element: digits without a leading zero (RFC 6901, section 4).
  static func index(_ token: String, below count: Int) -> Int? {
    let digits = token.utf8
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      digits.count == 1 || digits.first != UInt8(ascii: "0")
    else {
      return nil
    }
    guard let index = Int(token), index < count else { return nil }
    return index
  }
}

extension JSONValue {
  /// The value at a pointer; nil if there is none.
  public subscript(pointer: JSONPointer) -> JSONValue? {
    pointer.tokens.reduce(Optional(self)) { value, token in
      switch value {
      case .object(let members): members[token]
      case .array(let elements): JSONPointer.index(token, below: elements.count).map { elements[$0] }
      default: nil
      }
    }
  }
}
