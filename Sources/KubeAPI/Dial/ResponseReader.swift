/// A reader of an HTTP/1.1 answer, in any pieces, that separates head and body (RFC 9112). For the
/// answer to an upgrade.
struct ResponseReader {
  enum Progress: Equatable {
    case needsMore
    case complete
    case malformed(String)
  }

  static let headLimit = 64 << 10
  static let bodyLimit = 64 << 10

  private(set) var head: HTTPResponseHead?
  /// Behind a 101: the first bytes of the new protocol. Else the body, as it was sent.
  private(set) var rest: [UInt8] = []
  private var isChunked = false
  private var length: Int?
  private var buffer: [UInt8] = []
  /// Bytes of `buffer` in which no head ends.
  private var searched = 0

  mutating func read(_ bytes: some Sequence<UInt8>) -> Progress {
    if head == nil {
      buffer += bytes
      while head == nil {
        guard let end = Self.endOfHead(buffer, from: searched) else {
          searched = buffer.count
          return buffer.count > Self.headLimit ? .malformed("the head of the answer is too long") : .needsMore
        }
        var next = HTTPResponseHead(status: 0, headers: [])
        for line in String(decoding: buffer[..<end], as: UTF8.self).split(whereSeparator: \.isNewline) {
          next.read(line: line)
        }
        guard next.status >= 100 else { return .malformed("the answer is not HTTP") }
        buffer.removeFirst(end)
        searched = 0
        // 100 and 103 come before the answer; 101 is one.
        if next.status >= 200 || next.status == 101 { begin(next) }
      }
      rest = buffer
      buffer = []
    } else {
      rest += bytes
    }
    return bodyIsComplete ? .complete : .needsMore
  }

  /// Takes the answer's head. Its fields are searched once, for the body may come in many pieces.
  private mutating func begin(_ head: HTTPResponseHead) {
    self.head = head
    isChunked = head.header("transfer-encoding")?.lowercased().contains("chunked") ?? false
    length = head.header("content-length").flatMap { Int($0.trimmed) }
  }

  private var bodyIsComplete: Bool {
    guard let head, head.status != 101, head.status != 204, head.status != 304 else { return true }
    if rest.count >= Self.bodyLimit { return true }
    if isChunked { return rest.ends(with: "0\r\n\r\n") }
    return length.map { rest.count >= $0 } ?? false
  }

  /// The body without its chunks' lengths, as far as it has arrived.
  var body: [UInt8] {
    guard isChunked else { return rest }
    var body: [UInt8] = []
    var left = rest[...]
    while let end = left.firstIndex(of: 10) {
      let size = Int(String(decoding: left[..<end], as: UTF8.self).prefix { $0.isHexDigit }, radix: 16) ?? 0
      guard size > 0 else { break }
      left = left[(end + 1)...]
      body += left.prefix(size)
      // Not their sum: the server may send any size.
      left = left.dropFirst(size).dropFirst(2)
    }
    return body
  }

  private static func endOfHead(_ bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= 4 else { return nil }
    for index in max(start, 3)..<bytes.count
    where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 && bytes[index - 3] == 13 {
      return index + 1
    }
    return nil
  }
}

extension [UInt8] {
  fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
