/// Finds the messages in one direction of an HTTP/1.1 connection by their framing (RFC 9112, section 6). It fails where
/// two readers might disagree about a message's end.
struct MessageScanner {
  enum Event {
    /// The head is complete. `startBody` must follow.
    case head
    case end
    case failed
  }

  private enum State { case start, field, counted, chunkSize, chunk, chunkEnd, trailer }
  private var state = State.start
  /// The beginning of the current line.
  private var line: [UInt8] = []
  private var lineSize = 0
  private var lastByte: UInt8 = 0
  /// Bytes of the body or the chunk that are still to come.
  private var left = 0
  /// Lines of interest are shorter; the rest of a longer one is skipped.
  private static let lineLimit = 96

  /// The beginning of the start line: a request's method, or a response's version and code.
  private(set) var start: [UInt8] = []
  private static let startLimit = 12
  private var length: Int?
  private var isChunked = false

  /// True between two messages.
  var isIdle: Bool { state == .start && lineSize == 0 }
  /// True while a body has begun and not ended.
  var isInBody: Bool {
    switch state {
    case .counted, .chunkSize, .chunk, .chunkEnd, .trailer: true
    case .start, .field: false
    }
  }
  /// True if the head says where the body ends.
  var hasFraming: Bool { length != nil || isChunked }

  /// Takes bytes up to the next event; nil at the end of the input.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Event? {
    while let byte = bytes.first {
      if state == .counted || state == .chunk {
        let taken = min(left, bytes.count)
        left -= taken
        bytes = UnsafeRawBufferPointer(rebasing: bytes[taken...])
        guard left == 0 else { return nil }
        if state == .counted {
          state = .start
          return .end
        }
        state = .chunkEnd
        continue
      }
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1...])
      guard byte == 10 else {
        // A method, or "HTTP": most other protocols differ in their first byte.
        if state == .start, lineSize == 0, byte < 65 || byte > 90 { return .failed }
        lineSize += 1
        if line.count < Self.lineLimit { line.append(byte) }
        lastByte = byte
        continue
      }
      guard lineSize > 0, lastByte == 13 else { return .failed }  // a bare LF
      if line.count == lineSize { line.removeLast() }
      let event = lineEnded()
      line.removeAll(keepingCapacity: true)
      lineSize = 0
      if let event { return event }
    }
    return nil
  }

  /// Begins the body that the head has announced, or none.
  /// - Returns: true if the message is over.
  mutating func startBody(_ hasBody: Bool) -> Bool {
    state = .start
    line = []
    guard hasBody else { return true }
    if isChunked {
      state = .chunkSize
    } else if let length, length > 0 {
      left = length
      state = .counted
    }
    return state == .start
  }

  private mutating func lineEnded() -> Event? {
    switch state {
    case .start:
      guard !line.isEmpty else { return .failed }
      line.removeLast(max(line.count - Self.startLimit, 0))
      start = line
      length = nil
      isChunked = false
      state = .field
      return nil
    case .field:
      if line.isEmpty { return .head }
      return isSound() ? nil : .failed
    case .chunkSize:
      guard let size = number(from: 0, radix: 16) else { return .failed }
      left = size
      state = size == 0 ? .trailer : .chunk
      return nil
    case .chunkEnd:
      state = .chunkSize
      return line.isEmpty ? nil : .failed
    case .trailer:
      guard line.isEmpty else { return nil }
      state = .start
      return .end
    case .counted, .chunk: return .failed
    }
  }

  /// Reads a field of the head. Returns false if it makes the framing doubtful.
  private mutating func isSound() -> Bool {
    // Neither a folded line nor a blank before the colon.
    guard let colon = line.firstIndex(of: 58), colon > 0 else { return false }
    for index in 0..<colon where line[index] <= 32 { return false }
    let isCut = lineSize > Self.lineLimit
    if isField("content-length", colon) {
      guard !isCut, !hasFraming, let value = number(from: colon + 1, radix: 10) else { return false }
      length = value
    } else if isField("transfer-encoding", colon) {
      guard !isCut, !hasFraming, isText("chunked", from: valueStart(colon), to: valueEnd) else { return false }
      isChunked = true
    }
    return true
  }

  @inline(never) private func isField(_ name: StaticString, _ colon: Int) -> Bool { isText(name, from: 0, to: colon) }

  /// Compares with a text in small letters.
  @inline(never) private func isText(_ text: StaticString, from start: Int, to end: Int) -> Bool {
    guard end - start == text.utf8CodeUnitCount else { return false }
    for index in start..<end where line[index] | 0x20 != text.utf8Start[index - start] { return false }
    return true
  }

  @inline(never) private func valueStart(_ colon: Int) -> Int {
    var index = colon + 1
    while index < line.count, line[index] == 32 || line[index] == 9 { index += 1 }
    return index
  }

  private var valueEnd: Int {
    var end = line.count
    while end > 0, line[end - 1] == 32 || line[end - 1] == 9 { end -= 1 }
    return end
  }

  /// Reads a number that has the rest of the line for itself, but for blanks and, in base 16, a chunk's extensions.
  @inline(never) private func number(from start: Int, radix: Int) -> Int? {
    var value = 0
    var digits = 0
    var index = radix == 16 ? start : valueStart(start - 1)
    let end = valueEnd
    while index < end {
      let byte = line[index]
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
    return digits > 0 ? value : nil
  }
}
