import HTTPMessages

/// The requests and answers of an HTTP/1 connection.
final class HTTP1Observer {
  private let place: ObservedPlace
  private let driver: ObserverDriver
  private var requests = MessageScanner()
  private var answers = MessageScanner()
  /// The head that has not ended, of either direction.
  private var requestHead: [UInt8] = []
  private var answerHead: [UInt8] = []
  private var headStart = 0.0
  private var requestChunks = ChunkReader()
  private var answerChunks = ChunkReader()

  private struct Waiting {
    var exchange: ObservedExchange
    var isHead: Bool
    var isConnect: Bool
  }
  /// Exchanges without a whole answer, the oldest first.
  private var waiting: [Waiting] = []
  /// The exchange whose request is not whole.
  private var uploading: UInt64?
  /// True if the present answer ends with the connection.
  private var isUntilEnd = false
  /// Bytes of heads that the driver has counted.
  private var held = 0
  private static let mostWaiting = 64
  private static let headLimit = 64 << 10

  /// True if a request has been seen.
  private(set) var hasBegun = false

  init(_ place: ObservedPlace, _ driver: ObserverDriver) {
    self.place = place
    self.driver = driver
  }

  // MARK: Requests

  /// Sees bytes of the client.
  /// - Returns: false if the connection cannot be followed any more.
  func fromClient(_ bytes: UnsafeRawBufferPointer, _ now: Double) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let before = rest
      let isBody = requests.isInBody
      let event = requests.next(&rest)
      if case .failed? = event { return false }
      let part = UnsafeRawBufferPointer(rebasing: before[..<(before.count - rest.count)])
      if isBody {
        upload(part)
      } else {
        if requestHead.isEmpty { headStart = now }
        guard requestHead.count + part.count <= Self.headLimit, hold(part.count) else { return false }
        requestHead.append(contentsOf: part)
      }
      switch event {
      case .head?: guard requestBegan(now) else { return false }
      case .end?: uploading = nil
      case .failed?, nil: break
      }
    }
    return true
  }

  private func requestBegan(_ now: Double) -> Bool {
    guard waiting.count < Self.mostWaiting, let version = version() else { return false }
    var exchange = ObservedExchange(
      id: driver.nextID(), place: place, version: version, start: headStart, request: .lines(requestHead))
    requestHead = []
    let keeps = driver.keepsBodies
    exchange.requestBody.isKept = keeps
    exchange.answerBody.isKept = keeps
    if !hasBegun {
      hasBegun = true
      driver.isOf(.http1)
    }
    let isConnect = starts(requests, with: "CONNECT ")
    waiting.append(
      Waiting(exchange: exchange, isHead: starts(requests, with: "HEAD "), isConnect: isConnect))
    driver.began(exchange)
    requestChunks = ChunkReader()
    uploading = requests.startBody(!isConnect) ? nil : exchange.id
    return true
  }

  /// Reads the version at the end of the request line; nil if this is no request.
  private func version() -> ObservedExchange.Version? {
    guard let end = requestHead.firstIndex(of: 13), end >= 12, requestHead[end - 9] == 32 else { return nil }
    let text = requestHead[(end - 8)..<end]
    if text.elementsEqual("HTTP/1.1".utf8) { return .http11 }
    return text.elementsEqual("HTTP/1.0".utf8) ? .http10 : nil
  }

  private func upload(_ part: UnsafeRawBufferPointer) {
    // Its answer may have come early, and ended it.
    guard let index = waiting.indices.last, waiting[index].exchange.id == uploading else { return }
    if requests.hasChunks {
      requestChunks.take(part) { waiting[index].exchange.requestBody.take($0, driver) }
    } else {
      waiting[index].exchange.requestBody.take(part, driver)
    }
  }

  // MARK: Answers

  /// Sees bytes of the server.
  /// - Returns: false if the connection cannot be followed any more.
  func fromServer(_ bytes: UnsafeRawBufferPointer, _ now: Double) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      guard !waiting.isEmpty else { return false }
      if isUntilEnd {
        waiting[0].exchange.answerBody.take(rest, driver)
        return true
      }
      let before = rest
      let isBody = answers.isInBody
      let event = answers.next(&rest)
      if case .failed? = event { return false }
      let part = UnsafeRawBufferPointer(rebasing: before[..<(before.count - rest.count)])
      if isBody {
        download(part)
      } else {
        guard answerHead.count + part.count <= Self.headLimit, hold(part.count) else { return false }
        answerHead.append(contentsOf: part)
      }
      switch event {
      case .head?: guard answerBegan(now) else { return false }
      case .end?: answerEnded(now)
      case .failed?, nil: break
      }
    }
    return true
  }

  private func answerBegan(_ now: Double) -> Bool {
    // "HTTP/1.1 200 OK"
    let line = answers.start
    guard starts(answers, with: "HTTP/1."), line.count >= 12 else { return false }
    let head = answerHead
    answerHead = []
    let code = (line[9], line[10], line[11])
    let isUpgrade = code == (49, 48, 49)
    if code.0 == 49, !isUpgrade {
      release(head.count)
      _ = answers.startBody(false)
      return true
    }
    waiting[0].exchange.answer = .lines(head)
    waiting[0].exchange.wait = now - waiting[0].exchange.start
    if isUpgrade || waiting[0].isConnect && code.0 == 50 {
      finish(now)
      return false
    }
    let isEmpty = waiting[0].isHead || code == (50, 48, 52) || code == (51, 48, 52)
    guard isEmpty || answers.hasFraming else {
      isUntilEnd = true
      return true
    }
    answerChunks = ChunkReader()
    if answers.startBody(!isEmpty) { answerEnded(now) }
    return true
  }

  private func download(_ part: UnsafeRawBufferPointer) {
    guard answers.hasChunks else { return waiting[0].exchange.answerBody.take(part, driver) }
    answerChunks.take(part) { waiting[0].exchange.answerBody.take($0, driver) }
  }

  private func answerEnded(_ now: Double) {
    // "\n\r\n": no trailers.
    if answerChunks.trailer.count > 3 { waiting[0].exchange.trailers = .lines(answerChunks.trailer) }
    answerChunks = ChunkReader()
    finish(now)
  }

  // MARK: Ends

  func serverEnded(_ now: Double) {
    guard isUntilEnd, !waiting.isEmpty else { return }
    isUntilEnd = false
    finish(now)
  }

  /// Ends all exchanges that have no whole answer.
  func fail(_ failure: String, _ now: Double) {
    while !waiting.isEmpty {
      waiting[0].exchange.failure = failure
      finish(now)
    }
    release(held)
  }

  private func hold(_ count: Int) -> Bool {
    guard driver.mayHold(count) else { return false }
    held += count
    return true
  }

  private func release(_ count: Int) {
    let part = min(count, held)
    held -= part
    _ = driver.mayHold(-part)
  }

  private func finish(_ now: Double) {
    var exchange = waiting.removeFirst().exchange
    exchange.duration = now - exchange.start
    release(exchange.request.size + (exchange.answer?.size ?? 0))
    driver.ended(exchange)
  }

  private func starts(_ message: MessageScanner, with text: StaticString) -> Bool {
    guard message.start.count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where message.start[index] != text.utf8Start[index] { return false }
    return true
  }
}
