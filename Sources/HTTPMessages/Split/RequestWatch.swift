/// A request of a client whose connection is split, and its answer.
public final class WatchedRequest {
  /// The method (at most 32 bytes) and the target with the query (its first 1,024 bytes).
  public let text = RawBytes()
  public private(set) var methodSize = 0
  public fileprivate(set) var way: Way
  /// The number of the holder who got it; 0 for way 0.
  public fileprivate(set) var holder: UInt64
  /// 0 without an answer.
  public fileprivate(set) var status = 0
  /// 255 without one.
  public fileprivate(set) var grpcStatus = 255
  /// µs of the caller's clock.
  public let start: UInt64
  /// The bytes of the bodies; for HTTP/1 as the request's head announces them.
  public fileprivate(set) var up = 0
  public fileprivate(set) var down = 0

  /// 0 for HTTP/1.
  public let stream: UInt32
  fileprivate private(set) var isHead = false
  fileprivate private(set) var isUpgrade = false
  /// The next younger one.
  fileprivate var next: WatchedRequest?

  fileprivate init(_ head: borrowing RequestHead, stream: UInt32, way: Way, holder: UInt64, start: UInt64) {
    self.stream = stream
    self.way = way
    self.holder = holder
    self.start = start
    head.withBytes { bytes in
      text.append(UnsafeRawBufferPointer(rebasing: bytes[head.method]).first(32))
      methodSize = text.count
      text.append(UnsafeRawBufferPointer(rebasing: bytes[head.target]).first(1024))
    }
    guard stream == 0 else { return }
    isHead = head.isNamed(head.method, "HEAD")
    isUpgrade = head.isNamed(head.method, "CONNECT")
    for field in head.fields {
      if head.isNamed(field.name, "upgrade") { isUpgrade = true }
      if head.isNamed(field.name, "content-length") {
        up = max(0, head.withBytes { RequestWatch.number(UnsafeRawBufferPointer(rebasing: $0[field.value])) })
      }
    }
  }
}

/// Follows the answers that a client is sent whose connection is split, for those who want to see its requests. It
/// changes nothing, and reports a request once it has ended.
public final class RequestWatch {
  private unowned(unsafe) let driver: SplitDriver
  private var isOff = false
  /// The oldest request without a whole answer, and the youngest.
  private var first: WatchedRequest?
  private var last: WatchedRequest?
  private var count = 0
  private static let mostOpen = 256

  private var answers = MessageScanner()
  /// True while the answer ends with the connection.
  private var isUntilEnd = false

  private var frames = FrameScanner()
  private var prefaceLeft: Int
  private let server: HTTP2Follower?

  /// - Parameters:
  ///   - isHTTP2: true for HTTP/2, whose preface is still to come; for HTTP/1 no message may be under way.
  ///   - driver: gets each request that has ended; must live longer.
  public init(isHTTP2: Bool, driver: SplitDriver) {
    self.driver = driver
    server = isHTTP2 ? HTTP2Follower() : nil
    prefaceLeft = HTTP2Frame.preface.utf8CodeUnitCount
    server?.allowTable(.max)
  }

  /// Takes a request whose way is known.
  /// - Parameter stream: 0 for HTTP/1.
  public func routed(_ head: borrowing RequestHead, stream: UInt32, way: Way, holder: UInt64, now: UInt64) {
    guard !isOff else { return }
    let one = WatchedRequest(head, stream: stream, way: way, holder: holder, start: now)
    if let last { last.next = one } else { first = one }
    last = one
    count += 1
    if count > Self.mostOpen { stop() }
  }

  /// Notes that the requests of a way went to way 0 after all.
  public func fellBack(_ way: Way) {
    var each = first
    while let one = each {
      if one.way == way {
        one.way = 0
        one.holder = 0
      }
      each = one.next
    }
  }

  /// Reports what has no whole answer.
  public func closed() {
    while let first { finish(first) }
    isOff = true
  }

  @inline(never) private func finish(_ one: WatchedRequest?) {
    guard let one else { return }
    if first === one {
      first = one.next
      if last === one { last = nil }
    } else {
      var before = first
      while let each = before, each.next !== one { before = each.next }
      before?.next = one.next
      if last === one { last = before }
    }
    count -= 1
    driver.watched(one)
  }

  /// Gives up: what was not answered is not reported.
  private func stop() {
    isOff = true
    first = nil
    last = nil
  }

  /// Sees bytes of the client, before they are split.
  public func fromClient(_ bytes: UnsafeRawBufferPointer) {
    guard server != nil, !isOff else { return }
    let skipped = min(prefaceLeft, bytes.count)
    prefaceLeft -= skipped
    var rest = bytes.behind(skipped)
    while !rest.isEmpty {
      guard frames.next(&rest), let one = one(frames.stream) else { continue }
      if frames.kind == HTTP2Frame.data { one.up += frames.left }
      if frames.kind == HTTP2Frame.reset { finish(one) }
    }
  }

  /// Sees bytes that the client is sent.
  @inline(never) public func toClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !isOff, !rest.isEmpty { if let server { follow(server, &rest) } else { scan(&rest) } }
  }

  // MARK: HTTP/1

  private func scan(_ rest: inout UnsafeRawBufferPointer) {
    guard let first else { return stop() }
    if isUntilEnd {
      first.down += rest.count
      rest = rest.behind(rest.count)
      return
    }
    switch answers.next(&rest) {
    case .failed?: stop()
    case .head?: answered(first)
    case .end?: ended(first)
    case nil: first.down = answers.bodySize
    }
  }

  private func answered(_ one: WatchedRequest) {
    let line = answers.start
    guard line.count >= 12 else { return stop() }
    let status = line[9...11].withUnsafeBytes { Self.number($0) }
    if status < 200, status != 101 {
      _ = answers.startBody(false)
      return
    }
    one.status = status
    if one.isUpgrade {
      finish(one)
      return stop()
    }
    let isEmpty = one.isHead || status == 204 || status == 304
    guard isEmpty || answers.hasFraming else {
      isUntilEnd = true
      return
    }
    if answers.startBody(!isEmpty) { ended(one) }
  }

  private func ended(_ one: WatchedRequest) {
    one.down = answers.bodySize
    finish(one)
  }

  // MARK: HTTP/2

  private func follow(_ server: HTTP2Follower, _ rest: inout UnsafeRawBufferPointer) {
    switch server.next(&rest) {
    case .more, .tableSize: break
    case .failed: stop()
    case .data(let stream, let part, let isLast):
      let one = one(stream)
      one?.down += part.count
      if isLast { finish(one) }
    case .reset(let stream, _): finish(one(stream))
    case .head(let stream, let isLast):
      guard let one = one(stream) else { break }
      server.eachField { name, value in
        if name.count == 7, name[0] == 58 {  // :status
          one.status = Self.number(value)
        } else if name.count == 11, name[0] == 103, name[4] == 45, name[5] == 115 {  // grpc-status
          one.grpcStatus = Self.number(value) & 255
        }
      }
      if isLast { finish(one) }
    }
  }

  /// Reads a number of at most 15 digits; -1 if there is none.
  @inline(never) fileprivate static func number(_ text: UnsafeRawBufferPointer) -> Int {
    guard text.count > 0, text.count < 16 else { return -1 }
    var value = 0
    for byte in text {
      guard byte >= 48, byte <= 57 else { return -1 }
      value = value * 10 + Int(byte) - 48
    }
    return value
  }

  @inline(never) private func one(_ stream: UInt32) -> WatchedRequest? {
    var each = first
    while let one = each, one.stream != stream { each = one.next }
    return each
  }
}
