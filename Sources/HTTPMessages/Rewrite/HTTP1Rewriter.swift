/// Rewrites the heads in a connection of HTTP/1.1.
final class HTTP1Rewriter {
  private let rewrite: HeadRewrite
  private var requests = MessageScanner()
  private var responses = MessageScanner()
  /// The beginning of a head of each side.
  private var request: [UInt8] = []
  private var response: [UInt8] = []
  /// Requests without an answer, the oldest first: true for HEAD.
  private var waiting: [Bool] = []
  /// The name by which the last request came.
  private var client: [UInt8] = []
  /// True while a request may hand the connection to another protocol. The client's further bytes then wait in `held`.
  private var isUpgrading = false
  private var held: [UInt8] = []
  /// True if both sides speak another protocol now.
  private var hasLeft = false
  /// True if answers pass as they come: the end of the connection ends the last, or its framing is doubtful.
  private var passesAnswers = false

  private static let headLimit = 128 << 10
  private static let heldLimit = 256 << 10
  private static let mostWaiting = 256

  init(_ rewrite: HeadRewrite) { self.rewrite = rewrite }

  var isHolding: Bool { !held.isEmpty }

  func received(_ bytes: UnsafeRawBufferPointer, fromClient: Bool, _ send: HTTPRewriter.Send) -> Bool {
    fromClient ? fromClientSide(bytes, send) : fromServer(bytes, send)
  }

  // MARK: Requests

  private func fromClientSide(_ bytes: UnsafeRawBufferPointer, _ send: HTTPRewriter.Send) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      if hasLeft {
        send(rest, false)
        return true
      }
      if isUpgrading, !requests.isInBody {
        held.append(contentsOf: rest)
        return held.count <= Self.heldLimit
      }
      let before = rest
      let isInBody = requests.isInBody
      let event = requests.next(&rest)
      let taken = UnsafeRawBufferPointer(rebasing: before[..<(before.count - rest.count)])
      if isInBody { if event != .failed { send(taken, false) } } else { request.append(contentsOf: taken) }
      switch event {
      case .head:
        guard rewriteRequest(send) else { return false }
        _ = requests.startBody(true)
      case .failed:
        return isInBody ? false : refuse("400 Bad Request", "the request is not sound", send)
      case .end, nil: break
      }
      if request.count > Self.headLimit { return refuse("431 Request Header Fields Too Large", "too long", send) }
    }
    return true
  }

  private func rewriteRequest(_ send: HTTPRewriter.Send) -> Bool {
    guard var head = HTTP1Head(request), let line = head.requestLine else {
      return refuse("400 Bad Request", "the request is not sound", send)
    }
    request = []
    var (target, name) = (line.target, head.take("host") ?? [])
    if target.startsLike(Array(bytes: "http://")) {
      let rest = target[7...]
      let end = rest.firstIndex { $0 == 0x2f || $0 == 0x3f } ?? target.count
      name = Array(target[7..<end])
      target = end < target.count && target[end] == 0x2f ? Array(target[end...]) : [0x2f] + target[end...]
    }
    guard rewrite.allows(name) else {
      return refuse("403 Forbidden", "devtunnel open answers to localhost, *.localhost and IP addresses only", send)
    }
    guard rewrite.allows(head.fields) else {
      return refuse("403 Forbidden", "a page of another site may not use devtunnel open", send)
    }
    guard !line.method.equals("connect"), waiting.count < Self.mostWaiting else {
      return refuse("405 Method Not Allowed", "devtunnel open is no proxy", send)
    }
    client = name
    isUpgrading = head.leavesHTTP1
    rewrite.request(&head.fields, client: name)
    head.fields.insert(HeadField(Array(bytes: "Host"), rewrite.host), at: 0)
    head.start = line.method + [0x20] + target + [0x20] + line.version
    head.bytes.withUnsafeBytes { send($0, false) }
    waiting.append(line.method.equals("head"))
    return true
  }

  /// Answers a request itself, unless answers of the server come before.
  private func refuse(_ status: StaticString, _ text: StaticString, _ send: HTTPRewriter.Send) -> Bool {
    guard waiting.isEmpty, !passesAnswers else { return false }
    var answer = Array(bytes: "HTTP/1.1 ") + Array(bytes: status)
    answer += Array(bytes: "\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n") + Array(bytes: text) + [10]
    answer.withUnsafeBytes { send($0, true) }
    return false
  }

  // MARK: Answers

  private func fromServer(_ bytes: UnsafeRawBufferPointer, _ send: HTTPRewriter.Send) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      if hasLeft || passesAnswers {
        send(rest, true)
        return true
      }
      let before = rest
      let isInBody = responses.isInBody
      let event = responses.next(&rest)
      let taken = UnsafeRawBufferPointer(rebasing: before[..<(before.count - rest.count)])
      if isInBody { send(taken, true) } else { response.append(contentsOf: taken) }
      switch event {
      case .head: guard answer(send) else { return false }
      case .failed: guard pass(send) else { return false }
      case .end, nil: break
      }
      if response.count > Self.headLimit, !pass(send) { return false }
    }
    return true
  }

  /// Passes this answer and all later ones as they come.
  private func pass(_ send: HTTPRewriter.Send) -> Bool {
    passesAnswers = true
    response.withUnsafeBytes { send($0, true) }
    response = []
    guard isUpgrading else { return true }
    // It may be anything: no more requests are looked for.
    return leave(send)
  }

  /// Ends the search for messages in both directions.
  private func leave(_ send: HTTPRewriter.Send) -> Bool {
    hasLeft = true
    isUpgrading = false
    held.withUnsafeBytes { if !$0.isEmpty { send($0, false) } }
    held = []
    return true
  }

  private func answer(_ send: HTTPRewriter.Send) -> Bool {
    guard var head = HTTP1Head(response), let status = head.status else { return pass(send) }
    response = []
    rewrite.answer(&head.fields, client: client)
    head.bytes.withUnsafeBytes { send($0, true) }
    if status == 101 { return leave(send) }
    guard status >= 200 else {
      _ = responses.startBody(false)
      return true
    }
    let isHead = waiting.isEmpty ? false : waiting.removeFirst()
    if isHead || status == 204 || status == 304 {
      _ = responses.startBody(false)
    } else if responses.hasFraming {
      _ = responses.startBody(true)
    } else {
      passesAnswers = true
    }
    guard isUpgrading, waiting.isEmpty else { return true }
    // The server stays with HTTP/1.1.
    isUpgrading = false
    let bytes = held
    held = []
    return bytes.withUnsafeBytes { fromClientSide($0, send) }
  }
}
