/// A text in which `*` matches any bytes, or none; `\*` is a star, `\\` a backslash.
public struct TextPattern: Hashable, Sendable {
  /// The literal texts before, between and behind the stars; a single one for an exact text.
  private var pieces: [[UInt8]]

  public init(exactly text: [UInt8]) { pieces = [text] }

  /// Reads a pattern; nil if a backslash precedes anything but a star or a backslash,
  /// or if a text between two stars is too long.
  public init?(_ text: [UInt8]) {
    pieces = [[]]
    var index = 0
    while index < text.count {
      let byte = text[index]
      index += 1
      if byte == 0x2a {
        // Two stars in a row are one.
        if pieces.count == 1 || !pieces[pieces.count - 1].isEmpty { pieces.append([]) }
      } else if byte == 0x5c {
        guard index < text.count, text[index] == 0x2a || text[index] == 0x5c else { return nil }
        pieces[pieces.count - 1].append(text[index])
        index += 1
      } else {
        pieces[pieces.count - 1].append(byte)
      }
    }
    for piece in pieces.dropFirst().dropLast() where piece.count > Self.longestPiece { return nil }
  }

  /// The longest text between two stars: it is looked for at each place.
  private static let longestPiece = 256

  public var isExact: Bool { pieces.count == 1 }

  /// The text that it matches; nil if it has stars.
  public var exactText: [UInt8]? { pieces.count == 1 ? pieces[0] : nil }

  /// The number of bytes that are no stars.
  public var literalSize: Int {
    var size = 0
    for piece in pieces { size += piece.count }
    return size
  }

  /// The text that `init` reads.
  public var text: [UInt8] {
    var text: [UInt8] = []
    for index in pieces.indices {
      if index > 0 { text.append(0x2a) }
      for byte in pieces[index] {
        if byte == 0x2a || byte == 0x5c { text.append(0x5c) }
        text.append(byte)
      }
    }
    return text
  }

  /// Checks a text as a whole. It takes time in proportion to the text and to the longest text between two stars.
  public func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    let first = pieces[0]
    guard Self.has(first, text, at: 0) else { return false }
    guard pieces.count > 1 else { return text.count == first.count }
    let last = pieces[pieces.count - 1]
    var position = first.count
    for index in 1..<pieces.count - 1 {
      let piece = pieces[index]
      while !Self.has(piece, text, at: position) {
        position += 1
        guard position <= text.count else { return false }
      }
      position += piece.count
    }
    return text.count - last.count >= position && Self.has(last, text, at: text.count - last.count)
  }

  /// Checks whether no text matches both: by their beginnings, their ends, or the text of one without stars. False if
  /// that does not tell.
  public func excludes(_ other: TextPattern) -> Bool {
    if let text = exactText { return !text.withUnsafeBytes(other.matches) }
    if let text = other.exactText { return !text.withUnsafeBytes(matches) }
    let begins = zip(pieces[0], other.pieces[0])
    let ends = zip(pieces[pieces.count - 1].reversed(), other.pieces[other.pieces.count - 1].reversed())
    return begins.contains { $0 != $1 } || ends.contains { $0 != $1 }
  }

  @inline(never) private static func has(_ piece: [UInt8], _ text: UnsafeRawBufferPointer, at start: Int) -> Bool {
    guard start >= 0, text.count - start >= piece.count else { return false }
    for index in piece.indices where text[start + index] != piece[index] { return false }
    return true
  }
}
