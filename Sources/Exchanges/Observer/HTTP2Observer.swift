import HTTPMessages

/// The requests and answers of an HTTP/2 connection, from its beginning.
final class HTTP2Observer {
  private let place: ObservedPlace
  private let driver: ObserverDriver
  private let client = HTTP2Follower()
  private let server = HTTP2Follower()
  /// Exchanges without a whole answer, by their streams.
  private var open: [UInt32: ObservedExchange] = [:]
  /// The memory of their heads.
  private var headBytes = 0
  private var lastStream: UInt32 = 0
  private static let mostOpen = 4096
  private static let headLimit = 1 << 20

  init(_ place: ObservedPlace, _ driver: ObserverDriver) {
    self.place = place
    self.driver = driver
  }

  /// Sees bytes of the client, behind the preface.
  /// - Returns: false if the connection cannot be followed any more.
  func fromClient(_ bytes: UnsafeRawBufferPointer, _ now: Double) -> Bool {
    var rest = bytes
    while true {
      switch client.next(&rest) {
      case .more: return true
      case .failed: return false
      case .tableSize(let size): server.allowTable(size)
      case .data(let stream, let part, _): open[stream]?.requestBody.take(part, driver)
      case .reset(let stream, let code):
        // A code of no error follows an answer that came early.
        finish(stream, now, failure: "the client cancelled it (\(Self.name(code)))")
      case .head(let stream, _):
        // Trailers of a request are not kept.
        if stream > lastStream {
          lastStream = stream
          guard began(stream, now) else { return false }
        }
      }
    }
  }

  private func began(_ stream: UInt32, _ now: Double) -> Bool {
    guard open.count < Self.mostOpen else { return false }
    var exchange = ObservedExchange(
      id: driver.nextID(), place: place, version: .http2, start: now, request: Self.head(client))
    let keeps = driver.keepsBodies
    exchange.requestBody.isKept = keeps
    exchange.answerBody.isKept = keeps
    guard headBytes + exchange.request.size <= Self.headLimit, driver.mayHold(exchange.request.size) else {
      return false
    }
    headBytes += exchange.request.size
    open[stream] = exchange
    driver.began(exchange)
    return true
  }

  /// Sees bytes of the server.
  /// - Returns: false if the connection cannot be followed any more.
  func fromServer(_ bytes: UnsafeRawBufferPointer, _ now: Double) -> Bool {
    var rest = bytes
    while true {
      switch server.next(&rest) {
      case .more: return true
      case .failed: return false
      case .tableSize(let size): client.allowTable(size)
      case .data(let stream, let part, let isLast):
        open[stream]?.answerBody.take(part, driver)
        if isLast { finish(stream, now) }
      case .reset(let stream, let code):
        finish(stream, now, failure: "the server reset it (\(Self.name(code)))")
      case .head(let stream, let isLast):
        guard answered(stream, now) else { return false }
        if isLast { finish(stream, now) }
      }
    }
  }

  private func answered(_ stream: UInt32, _ now: Double) -> Bool {
    guard var exchange = open.removeValue(forKey: stream) else { return true }
    let head = Self.head(server)
    if exchange.answer == nil, head.isInformation {
      open[stream] = exchange
      return true
    }
    let hasRoom = headBytes + head.size <= Self.headLimit && driver.mayHold(head.size)
    if hasRoom {
      headBytes += head.size
      if exchange.answer == nil {
        exchange.answer = head
        exchange.wait = now - exchange.start
      } else if let former = exchange.trailers {
        // A second block of trailers is none.
        headBytes -= former.size
        _ = driver.mayHold(-former.size)
        exchange.trailers = head
      } else {
        exchange.trailers = head
      }
    }
    open[stream] = exchange
    return hasRoom
  }

  /// Ends all exchanges that have no whole answer.
  func fail(_ failure: String, _ now: Double) {
    for stream in open.keys.sorted() { finish(stream, now, failure: failure) }
  }

  private func finish(_ stream: UInt32, _ now: Double, failure: String? = nil) {
    guard var exchange = open.removeValue(forKey: stream) else { return }
    let size = exchange.request.size + (exchange.answer?.size ?? 0) + (exchange.trailers?.size ?? 0)
    headBytes -= size
    _ = driver.mayHold(-size)
    exchange.failure = failure
    exchange.duration = now - exchange.start
    driver.ended(exchange)
  }

  private static func head(_ follower: HTTP2Follower) -> ObservedHead {
    var head = ObservedHead(bytes: [], sizes: [])
    follower.eachField { name, value in
      head.bytes.append(contentsOf: name)
      head.bytes.append(contentsOf: value)
      head.sizes?.append(name.count)
      head.sizes?.append(value.count)
    }
    return head
  }

  /// Names an error code (RFC 9113, section 7).
  private static func name(_ code: UInt32) -> String {
    let names = [
      "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
      "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
      "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]
    return Int(code) < names.count ? names[Int(code)] : "code \(code)"
  }
}

extension ObservedHead {
  /// True for the head of an interim answer: a status of 1xx, which comes first.
  fileprivate var isInformation: Bool {
    guard let sizes, sizes.count >= 2, sizes[0] == 7, sizes[1] == 3, bytes.count >= 8 else { return false }
    return bytes[0] == UInt8(ascii: ":") && bytes[7] == UInt8(ascii: "1")
  }
}
