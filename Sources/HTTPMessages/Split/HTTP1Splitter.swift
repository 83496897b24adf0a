/// Joins a client of HTTP/1.1 to several servers: each request goes its own way, and the answers come in order.
///
/// Bytes pass as they came. Requests that wait for answers are all on one way; a request of another one waits until
/// the answers before it have ended. If the end of a message is doubtful, or another protocol follows, the
/// connection becomes a stream of bytes of one way: of way 0, unless a host has agreed to another protocol.
public final class HTTP1Splitter {
  enum Mode {
    case messages
    /// All bytes go between the client and the current way.
    case stream
    /// The current way's answer ends with its connection, and the client's connection with it.
    case lastAnswer
    case over
  }

  /// A request whose answer has not ended.
  struct Exchange {
    var isHead = false
    var isConnect = false
    /// True if the answer may hand the connection to another protocol.
    var mayLeave = false
    /// True if the answer may make it a connection of HTTP/2, whose later requests nobody would look at.
    var asksForHTTP2 = false
    /// True while the client may leave out the body that it has announced.
    var mayOmitBody = false
    /// True if the connection ends with the answer.
    var isLast = false
  }

  /// Something that waits for the end of answers. Its bytes are in `held`.
  enum Waiting {
    case nothing
    /// A request whose head has this size.
    case request(Exchange, Way, size: Int)
    /// The stream of way 0.
    case stream
  }

  /// The connection of a way other than 0.
  struct Host {
    let way: Way
    var isOpened = false
    /// The bytes that were sent before it was opened: they go to way 0 if it fails.
    var kept: [UInt8] = []
  }

  unowned(unsafe) let driver: SplitDriver
  var mode = Mode.messages
  /// The way of the requests that wait for answers; without any, the way of the last request.
  var current: Way = 0
  var hosts: [Host] = []
  var isZeroOpen = true
  /// True once bytes were sent to the connection of way 0.
  var hasUsedZero = false
  /// True if way 0 is to be connected anew.
  var renewsZero = false
  var requests = MessageScanner()
  var responses = MessageScanner()
  private var head = RequestHead()
  /// The oldest first.
  var exchanges: [Exchange] = []
  /// Bytes of the client that are not sent yet: the beginning of a head, or what waits.
  var held: [UInt8] = []
  var waiting = Waiting.nothing
  var hasClientEnded = false
  /// True once the current way of a stream sends no more.
  var hasWayEnded = false
  /// True once an answer has ended that a host's connection does not outlive.
  var hasLastAnswer = false
  /// True once the agent ends: the next answer tells the client to connect again.
  private(set) var isLeaving = false
  private var endsWhenQuiet = false
  /// True once the client was told that the connection ends with the present answer.
  var hasToldEnd = false
  /// Ways that are closed once their answers have ended.
  private var retired: [Way] = []
  /// The ways that get a copy of the present request, or of the stream.
  var copies: [Way] = []
  /// True if the copies of a stream begin with the client's next byte.
  var isStreamCopyDue = false

  /// A longer head is not looked at.
  private static let headLimit = 64 << 10
  private static let keptLimit = 64 << 10
  private static let mostExchanges = 64

  /// - Parameters:
  ///   - driver: must live longer.
  ///   - isStream: true for another protocol, whose bytes go to one way.
  ///   - way: that way.
  public init(driver: SplitDriver, isStream: Bool = false, way: Way = 0) {
    self.driver = driver
    guard isStream else { return }
    mode = .stream
    copyStream()
    current = way
    guard way != 0 else { return }
    hosts.append(Host(way: way))
    driver.open(way)
  }

  // MARK: Events

  public func received(_ bytes: UnsafeRawBufferPointer, from side: SplitSide) {
    guard !bytes.isEmpty else { return }
    switch side {
    case .client: receivedFromClient(bytes)
    case .way(let way): received(bytes, from: way)
    }
    proceed()
  }

  /// Notes that a side sends no more.
  public func ended(_ side: SplitSide) {
    switch side {
    case .client: clientEnded()
    case .way(let way): ended(way)
    }
    proceed()
  }

  /// Notes that a way could not be opened, or was reset.
  public func failed(_ way: Way) {
    lost(way)
    proceed()
  }

  /// Notes that a host has taken the connection: what was sent there is not sent to way 0 any more.
  public func opened(_ way: Way) {
    guard let index = position(of: way) else { return }
    hosts[index].isOpened = true
    hosts[index].kept = []
    if mode == .stream, isZeroOpen { closeZero() }
  }

  /// Ends the connection after an answer that tells the client so (`Connection: close`), since the agent ends. A second
  /// call ends one that waits for a request: to close at once might meet the client's next request.
  public func leave() {
    endsWhenQuiet = isLeaving
    isLeaving = true
    proceed()
  }

  /// Connects way 0 anew between two requests, since it goes elsewhere now.
  public func renew() {
    renewsZero = true
    proceed()
  }

  /// Closes a way once its answers have ended, since it gets no more requests.
  public func retire(_ way: Way) {
    retired.append(way)
    proceed()
  }

  /// Returns true if bytes of a side may come now. The answer may change with each event, and when a queue is empty.
  public func mayRead(from side: SplitSide) -> Bool {
    switch side {
    case .client: mayReadClient
    case .way(let way):
      switch mode {
      case .messages: way != current || driver.queued(for: .client) == 0
      case .stream, .lastAnswer: way == current && driver.queued(for: .client) == 0
      case .over: false
      }
    }
  }

  private var mayReadClient: Bool {
    switch mode {
    case .messages, .stream:
      guard case .nothing = waiting, driver.queued(for: .way(current)) == 0 else { return false }
      // The last answer can tell the client that the connection ends: no further request is taken before it.
      if isLeaving, !exchanges.isEmpty, !requests.isInBody { return false }
      guard let index = position(of: current) else { return true }
      return hosts[index].kept.count < Self.keptLimit
    case .lastAnswer: return requests.isInBody && driver.queued(for: .way(current)) == 0
    case .over: return false
    }
  }

  /// True between two messages, while nothing waits.
  public var isIdle: Bool {
    guard mode == .messages, exchanges.isEmpty, held.isEmpty, case .nothing = waiting else { return false }
    return requests.isIdle && responses.isIdle
  }

  /// The bytes that it keeps.
  public var heldBytes: Int {
    var sum = held.count
    for host in hosts { sum += host.kept.count }
    return sum
  }

  // MARK: Requests

  private func receivedFromClient(_ bytes: UnsafeRawBufferPointer) {
    switch mode {
    case .messages:
      guard case .nothing = waiting else { return held.append(contentsOf: bytes) }
      if held.isEmpty { read(bytes, from: 0, start: 0) } else { readOn(bytes) }
    case .stream: pass(bytes, 0, bytes.count)
    case .lastAnswer:
      var rest = bytes
      while requests.isInBody, !rest.isEmpty, requests.next(&rest) == nil {}
      pass(bytes, 0, bytes.count - rest.count)
    case .over: break
    }
  }

  /// Reads on in a head whose beginning is held.
  private func readOn(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    let event = requests.next(&rest)
    let seen = held.count + bytes.count - rest.count
    held.append(contentsOf: bytes)
    guard let event else { return giveUpLongHead() }
    let whole = held
    held = []
    whole.withUnsafeBytes { read($0, from: seen, start: 0, after: event) }
  }

  private func giveUpLongHead() { if held.count > Self.headLimit { streamLater() } }

  /// Reads bytes of which none was sent.
  /// - Parameters:
  ///   - first: the position of the first byte that the scanner has not seen.
  ///   - start: the position of the first byte of the message, unless a body has begun.
  ///   - event: the scanner's last, if nothing was done about it.
  private func read(
    _ bytes: UnsafeRawBufferPointer, from first: Int, start: Int, after event: MessageScanner.Event? = nil
  ) {
    var due = event
    var start = start
    var sent = 0
    var rest = UnsafeRawBufferPointer(rebasing: bytes[first...])
    while due != nil || !rest.isEmpty {
      let isInBody = requests.isInBody
      if isInBody, !exchanges.isEmpty { exchanges[exchanges.count - 1].mayOmitBody = false }
      guard let event = due ?? requests.next(&rest) else { break }
      due = nil
      let position = bytes.count - rest.count
      switch event {
      case .end: start = position
      case .head:
        guard position - start <= Self.headLimit,
          let exchange = exchange(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
        else { return doubtful(bytes, sent: sent, start: start) }
        let way = exchange.asksForHTTP2 ? 0 : driver.route(head)
        guard mayBegin(exchange, way) else {
          pass(bytes, sent, start)
          held.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
          waiting = .request(exchange, way, size: position - start)
          return
        }
        if way != current || driver.copiesRequests || !copies.isEmpty {
          pass(bytes, sent, start)
          sent = start
        }
        begin(exchange, way)
        if requests.startBody(true) { start = position }
      case .failed:
        guard isInBody else { return doubtful(bytes, sent: sent, start: start) }
        // A host must not get what may be another request.
        guard current == 0 else { return end(reset: true) }
        pass(bytes, sent, bytes.count)
        return enterStream(0)
      }
    }
    guard !requests.isInBody, !requests.isIdle else { return pass(bytes, sent, bytes.count) }
    pass(bytes, sent, start)
    held.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    giveUpLongHead()
  }

  /// Makes the connection a stream of way 0 from a message on, whose framing is doubtful.
  private func doubtful(_ bytes: UnsafeRawBufferPointer, sent: Int, start: Int) {
    pass(bytes, sent, start)
    held.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    streamLater()
  }

  /// Begins the stream of way 0 once a host has answered what it has got.
  func streamLater() { if current == 0 || exchanges.isEmpty { enterStream(0) } else { waiting = .stream } }

  /// Reads a whole head. Nil if it is doubtful.
  private func exchange(_ bytes: UnsafeRawBufferPointer) -> Exchange? {
    var reader = HeadReader(bytes)
    guard reader.read(into: &head), !reader.isOld || !requests.hasChunks else { return nil }
    var exchange = Exchange()
    exchange.isHead = head.isNamed(head.method, "HEAD")
    exchange.isConnect = head.isNamed(head.method, "CONNECT")
    exchange.mayLeave = exchange.isConnect || requests.hasUpgrade
    exchange.asksForHTTP2 = requests.hasUpgrade && asksForHTTP2
    exchange.mayOmitBody = requests.hasExpect && requests.hasBody
    exchange.isLast = requests.closes || reader.isOld && !requests.keepsAlive
    return exchange
  }

  /// Checks for `Upgrade: h2c` (RFC 7540, section 3.2).
  private var asksForHTTP2: Bool {
    for field in head.fields where head.isNamed(field.name, "upgrade") {
      if head.withBytes({ Self.hasH2C(UnsafeRawBufferPointer(rebasing: $0[field.value])) }) { return true }
    }
    return false
  }

  private static func hasH2C(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count > 2 else { return false }
    for index in 0..<text.count - 2 where text[index] | 0x20 == 0x68 && text[index + 1] == 0x32 {
      if text[index + 2] | 0x20 == 0x63 { return true }
    }
    return false
  }

  private func mayBegin(_ exchange: Exchange, _ way: Way) -> Bool {
    guard let last = exchanges.last else { return true }
    return way == current && exchanges.count < Self.mostExchanges && !last.mayLeave && !last.isLast
  }

  private func begin(_ exchange: Exchange, _ way: Way) {
    current = way
    if way != 0, position(of: way) == nil {
      hosts.append(Host(way: way))
      driver.open(way)
    }
    exchanges.append(exchange)
    // The head is that of the request: none is read while one waits.
    copies = driver.copiesRequests && !exchange.asksForHTTP2 ? driver.copies(of: head) : []
  }

  /// Sends bytes of the client to the current way.
  private func pass(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) {
    guard start < end else { return }
    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    copy(part)
    if current == 0 { return sendToZero(part) }
    guard let index = position(of: current) else { return }
    if !hosts[index].isOpened { hosts[index].kept.append(contentsOf: part) }
    driver.send(part, to: .way(current))
  }

  // MARK: Turns

  /// Does what has waited for the events before.
  func proceed() {
    while mode == .messages, mayProceed {
      let next = waiting
      waiting = .nothing
      switch next {
      case .request(let exchange, let way, let size):
        let bytes = held
        held = []
        begin(exchange, way)
        let isOver = requests.startBody(true)
        bytes.withUnsafeBytes { read($0, from: size, start: isOver ? size : 0) }
      case .stream: enterStream(0)
      case .nothing: break
      }
    }
    guard mode == .messages else { return }
    let isQuiet = exchanges.isEmpty && !requests.isInBody
    if renewsZero, isQuiet || current != 0 {
      if isZeroOpen { closeZero() }
      renewsZero = false
    }
    retired.removeAll { way in
      guard way != current || isQuiet else { return false }
      if remove(way) { driver.close(way, reset: false) }
      return true
    }
    guard isQuiet, case .nothing = waiting else { return }
    if endsWhenQuiet, held.isEmpty { return end(reset: false) }
    // The rest of a head goes to way 0, and so does the end.
    guard hasClientEnded else { return }
    if isZeroOpen || !held.isEmpty { enterStream(0) } else { end(reset: false) }
  }

  private var mayProceed: Bool {
    switch waiting {
    case .nothing: false
    case .request(let exchange, let way, _): mayBegin(exchange, way)
    case .stream: current == 0 || exchanges.isEmpty
    }
  }
}
