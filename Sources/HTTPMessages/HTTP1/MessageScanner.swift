/// Finds the messages in one direction of an HTTP/1.1 connection by their framing (RFC 9112, section 6). It fails where
/// two readers might disagree about a message's end.
public struct MessageScanner {
  public enum Event {
    /// The head is complete. `startBody` must follow.
    case head
    case end
    case failed
  }

  private enum State { case start, field, counted, chunkSize, chunk, chunkEnd, trailer }
  private var state = State.start
  /// The beginning of a line whose end has not come with it.
  private var line: [UInt8] = []
  private var lineSize = 0
  private var endsInCR = false
  /// Bytes of the body or the chunk that are still to come.
  private var left = 0
  /// The bytes of the present or last body so far, without the framing of chunks.
  public private(set) var bodySize = 0
  /// Lines of interest are shorter; the rest of a longer one is skipped.
  private static let lineLimit = 96

  /// The beginning of the start line: a request's method, or a response's version and code.
  public private(set) var start: [UInt8] = []
  private static let startLimit = 12
  private var length: Int?
  private var isChunked = false

  /// True if the head has a field `Upgrade`.
  private(set) var hasUpgrade = false
  /// True if the head has a field `Expect`.
  private(set) var hasExpect = false
  /// True if `Connection` has the option `close`.
  private(set) var closes = false
  /// True if `Connection` has the option `keep-alive`.
  private(set) var keepsAlive = false

  public init() {}

  /// True between two messages.
  public var isIdle: Bool { state == .start && lineSize == 0 && !endsInCR }
  /// True while a body has begun and not ended.
  public var isInBody: Bool {
    switch state {
    case .counted, .chunkSize, .chunk, .chunkEnd, .trailer: true
    case .start, .field: false
    }
  }
  /// True if the head says where the body ends.
  public var hasFraming: Bool { length != nil || isChunked }
  /// True if the head announces a body.
  var hasBody: Bool { isChunked || (length ?? 0) > 0 }
  /// True if the body comes in chunks, which HTTP/1.0 does not know.
  public var hasChunks: Bool { isChunked }

  /// Takes bytes up to the next event; nil at the end of the input.
  @inline(never) public mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Event? {
    while !bytes.isEmpty {
      if state == .counted || state == .chunk {
        let taken = min(left, bytes.count)
        left -= taken
        bodySize += taken
        bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
        guard left == 0 else { return nil }
        if state == .counted {
          state = .start
          return .end
        }
        state = .chunkEnd
        continue
      }
      // A method, or "HTTP": most other protocols differ in their first byte.
      if state == .start, lineSize == 0, bytes[0] < 65 || bytes[0] > 90 { return failed(&bytes) }
      // A chunk is longer than it says.
      if state == .chunkEnd, lineSize == 0, !endsInCR, bytes[0] != 13 { return failed(&bytes) }
      guard let end = takeLine(bytes) else { return failed(&bytes) }
      let part = UnsafeRawBufferPointer(rebasing: bytes[..<end])
      bytes = UnsafeRawBufferPointer(rebasing: bytes[end...])
      guard isLineOver else {
        keep(part)
        return nil
      }
      if let event = lineEnded(part) { return event }
    }
    return nil
  }

  private func failed(_ bytes: inout UnsafeRawBufferPointer) -> Event {
    bytes = UnsafeRawBufferPointer(rebasing: bytes[bytes.count...])
    return .failed
  }

  /// True if `takeLine` has come to the line feed.
  private var isLineOver = false

  /// Finds the end of a line, behind its line feed, or of the input. Nil for a line feed alone, a carriage return
  /// alone, or a zero: readers differ about them (RFC 9112, section 2.2).
  @inline(never) private mutating func takeLine(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var index = 0
    isLineOver = false
    if endsInCR {
      guard bytes[0] == 10 else { return nil }
      index = 1
    } else {
      while index < bytes.count {
        let byte = bytes[index]
        index += 1
        if byte > 13 { continue }
        if byte == 13 {
          guard index < bytes.count else {
            endsInCR = true
            return index
          }
          guard bytes[index] == 10 else { return nil }
          index += 1
          isLineOver = true
          return index
        }
        if byte == 10 || byte == 0 { return nil }
      }
      return index
    }
    isLineOver = true
    return index
  }

  /// Keeps the beginning of a line whose end is still to come.
  private mutating func keep(_ part: UnsafeRawBufferPointer) {
    let size = endsInCR ? part.count - 1 : part.count
    lineSize += size
    let room = max(Self.lineLimit - line.count, 0)
    line.append(contentsOf: UnsafeRawBufferPointer(rebasing: part[..<min(size, room)]))
  }

  /// Handles a whole line, whose last part this is.
  private mutating func lineEnded(_ part: UnsafeRawBufferPointer) -> Event? {
    if lineSize == 0, !endsInCR {
      let size = part.count - 2
      return lineEnded(UnsafeRawBufferPointer(rebasing: part[..<min(size, Self.lineLimit)]), size: size)
    }
    if endsInCR {
      endsInCR = false
    } else {
      let size = part.count - 2
      lineSize += size
      let room = max(Self.lineLimit - line.count, 0)
      line.append(contentsOf: UnsafeRawBufferPointer(rebasing: part[..<min(size, room)]))
    }
    let whole = line
    let size = lineSize
    line = []
    lineSize = 0
    return whole.withUnsafeBytes { lineEnded($0, size: size) }
  }

  /// Begins the body that the head has announced, or none.
  /// - Returns: true if the message is over.
  public mutating func startBody(_ hasBody: Bool) -> Bool {
    state = .start
    guard hasBody else { return true }
    if isChunked {
      state = .chunkSize
    } else if let length, length > 0 {
      left = length
      state = .counted
    }
    return state == .start
  }

  /// - Parameters:
  ///   - text: the line's beginning, at most `lineLimit` bytes.
  ///   - size: of the whole line.
  private mutating func lineEnded(_ text: UnsafeRawBufferPointer, size: Int) -> Event? {
    let line = Line(text: text, isCut: size > text.count)
    switch state {
    case .start:
      guard size > 0 else { return .failed }
      start.removeAll(keepingCapacity: true)
      start.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[..<min(text.count, Self.startLimit)]))
      length = nil
      isChunked = false
      bodySize = 0
      hasUpgrade = false
      hasExpect = false
      closes = false
      keepsAlive = false
      state = .field
      return nil
    case .field:
      if size == 0 { return .head }
      return isSound(line) ? nil : .failed
    case .chunkSize:
      guard let size = line.number(from: 0, radix: 16) else { return .failed }
      left = size
      state = size == 0 ? .trailer : .chunk
      return nil
    case .chunkEnd:
      state = .chunkSize
      return size == 0 ? nil : .failed
    case .trailer:
      guard size == 0 else { return nil }
      state = .start
      return .end
    case .counted, .chunk: return .failed
    }
  }

  /// Reads a field of the head. Returns false if it makes the framing doubtful.
  private mutating func isSound(_ line: Line) -> Bool {
    // Neither a folded line nor a blank before the colon.
    let colon = line.nameEnd
    guard colon > 0 else { return false }
    switch colon {
    case 6: if line.isName("expect") { hasExpect = true }
    case 7: if line.isName("upgrade") { hasUpgrade = true }
    case 10:
      guard line.isName("connection") else { break }
      if line.hasOption("close", from: colon + 1) { closes = true }
      if line.hasOption("keep-alive", from: colon + 1) { keepsAlive = true }
    case 14:
      guard line.isName("content-length") else { break }
      guard !hasFraming, let value = line.number(from: colon + 1, radix: 10) else { return false }
      length = value
    case 17:
      guard line.isName("transfer-encoding") else { break }
      guard !line.isCut, !hasFraming, line.isValue("chunked", from: colon + 1) else { return false }
      isChunked = true
    default: break
    }
    return true
  }
}

/// A line of a message, or the beginning of a long one.
private struct Line {
  let text: UnsafeRawBufferPointer
  let isCut: Bool

  /// The position of the colon behind a name without blanks; 0 if there is none.
  @inline(never) var nameEnd: Int {
    for index in text.indices {
      if text[index] == 58 { return index }
      if text[index] <= 32 { return 0 }
    }
    return 0
  }

  /// Checks whether the line begins with this name, in small letters; its length was compared before.
  func isName(_ name: StaticString) -> Bool { has(name, at: 0) }

  /// Compares the value with a text in small letters.
  func isValue(_ value: StaticString, from start: Int) -> Bool {
    let start = valueStart(start)
    return end - start == value.utf8CodeUnitCount && has(value, at: start)
  }

  /// Looks for an option in a list with commas.
  @inline(never) func hasOption(_ option: StaticString, from first: Int) -> Bool {
    var start = first
    while start < text.count {
      var next = start
      while next < text.count, text[next] != 44 { next += 1 }
      var last = next
      start = valueStart(start)
      while last > start, text[last - 1].isBlank { last -= 1 }
      if last - start == option.utf8CodeUnitCount, has(option, at: start) { return true }
      start = next + 1
    }
    return false
  }

  @inline(never) private func has(_ word: StaticString, at start: Int) -> Bool {
    guard text.count - start >= word.utf8CodeUnitCount else { return false }
    for index in 0..<word.utf8CodeUnitCount where text[start + index] | 0x20 != word.utf8Start[index] { return false }
    return true
  }

  private func valueStart(_ first: Int) -> Int {
    var index = first
    while index < text.count, text[index].isBlank { index += 1 }
    return index
  }

  private var end: Int {
    var end = text.count
    while end > 0, text[end - 1].isBlank { end -= 1 }
    return end
  }

  /// Reads a number that has the rest of the line for itself, but for blanks and, in base 16, a chunk's extensions.
  @inline(never) func number(from start: Int, radix: Int) -> Int? {
    var value = 0
    var digits = 0
    var index = radix == 16 ? start : valueStart(start)
    let end = end
    while index < end {
      let byte = text[index]
      let digit: Int
      switch byte {
      case 48...57: digit = Int(byte) - 48
      case 65...70 where radix == 16: digit = Int(byte) - 55
      case 97...102 where radix == 16: digit = Int(byte) - 87
      case 59 where radix == 16: return digits > 0 ? value : nil
      default: return nil
      }
      digits += 1
      guard digits <= 15 else { return nil }
      value = value * radix + digit
      index += 1
    }
    return digits > 0 && !isCut ? value : nil
  }
}
