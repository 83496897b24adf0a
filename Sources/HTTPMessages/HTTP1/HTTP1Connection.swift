/// The requests of an HTTP/1.1 connection and their answers, by the framing of both directions.
public struct HTTP1Connection {
  private var requests = MessageScanner()
  private var responses = MessageScanner()
  /// Requests without a whole answer.
  private var waiting = 0
  /// A bit for each of them, the oldest first: set for HEAD, whose answer has no body.
  private var heads: UInt64 = 0
  private static let mostWaiting = 64
  /// True until something came that these messages do not explain: an upgrade, a tunnel, a doubtful framing.
  public private(set) var isFollowed = true

  public init() {}

  /// True between two requests: all are answered, and no byte of another one has come.
  public var isIdle: Bool { isFollowed && waiting == 0 && requests.isIdle && responses.isIdle }

  /// True if no byte of another request has come, though answers may be missing.
  public var isBetweenRequests: Bool { isFollowed && requests.isIdle }

  /// Sees bytes of the client.
  @inline(never) public mutating func fromClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while isFollowed, let event = requests.next(&rest) {
      switch event {
      case .head:
        guard waiting < Self.mostWaiting, !startsWith(requests, "CONNECT ") else { return stop() }
        if startsWith(requests, "HEAD ") { heads |= 1 << UInt64(waiting) }
        waiting += 1
        _ = requests.startBody(true)
      case .end: break
      case .failed: stop()
      }
    }
  }

  /// Sees bytes of the server.
  @inline(never) public mutating func fromServer(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while isFollowed, let event = responses.next(&rest) {
      switch event {
      case .head: headEnded()
      case .end: answered()
      case .failed: stop()
      }
    }
  }

  private mutating func headEnded() {
    // "HTTP/1.1 200 OK"
    let line = responses.start
    guard waiting > 0, startsWith(responses, "HTTP/1."), line.count >= 12 else { return stop() }
    let isInformation = line[9] == 49
    if isInformation {
      // 101 hands the connection to another protocol.
      guard line[10] == 48, line[11] != 49 else { return stop() }
      _ = responses.startBody(false)
      return
    }
    // A client that is answered early may leave the body out that it has announced (RFC 9110, section 10.1.1).
    guard waiting > 1 || !requests.isInBody else { return stop() }
    let isEmpty =
      heads & 1 == 1 || line[9] == 50 && line[10] == 48 && line[11] == 52
      || line[9] == 51 && line[10] == 48 && line[11] == 52
    guard isEmpty || responses.hasFraming else { return stop() }  // the end of the connection ends it
    if responses.startBody(!isEmpty) { answered() }
  }

  private mutating func answered() {
    waiting -= 1
    heads >>= 1
  }

  @inline(never) private func startsWith(_ message: MessageScanner, _ text: StaticString) -> Bool {
    guard message.start.count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where message.start[index] != text.utf8Start[index] { return false }
    return true
  }

  @inline(never) private mutating func stop() {
    isFollowed = false
    requests = MessageScanner()
    responses = MessageScanner()
  }
}
