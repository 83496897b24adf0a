@testable import HTTPMessages

extension Harness {
  /// Turns, each ended by 0x7f. The first byte says whose: `c`lient, `z`ero or `h`ost, with bytes behind it, or another
  /// event.
  static let http1Split = Harness(
    name: "http1-split", usualLength: 256,
    dictionary: [
      "GET / HTTP/1.1\r\n", "X-Way: 1\r\n", "HEAD / ", "CONNECT a HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 204 ", "HTTP/1.1 101 ", "HTTP/1.1 100 ", "HTTP/1.0 ", "\r\n\r\n", "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n",
      "Upgrade: x\r\n", "Expect: 100-continue\r\n", "\u{7f}c", "\u{7f}z", "\u{7f}h", "\u{7f}o",
    ]
  ) { bytes in
    let whole = SplitTurns(bytes, size: .max)
    let parts = SplitTurns(bytes, size: pieceSize(bytes))
    try whole.check()
    try parts.check()
    // An agent that ends lets the client go between two requests, and pieces may have one more such moment.
    if !whole.isLeaving {
      try promise(whole.toZero == parts.toZero, "in pieces, way 0 gets something else")
      try promise(whole.toClient == parts.toClient, "in pieces, the client gets something else")
    }
    let none = SplitTurns(bytes, size: pieceSize(bytes), matches: false)
    try none.check()
    try promise(none.toHost.isEmpty, "a host gets what does not match")
    try promise(none.fromClient.starts(with: none.toZero), "way 0 gets other bytes than the client's")
    if none.isReading { try promise(none.toZero.count + none.held == none.fromClient.count, "bytes are lost") }
  }
}

/// The sides of a splitter.
private final class SplitTurns: SplitDriver {
  private static let rule = RequestRule(text: Array("header x-way=1".utf8))
  private let matches: Bool
  private var splitter: HTTP1Splitter!
  private(set) var fromClient: [UInt8] = []
  private(set) var toClient: [UInt8] = []
  private(set) var toZero: [UInt8] = []
  /// Of each connection.
  private(set) var toHost: [[UInt8]] = []
  /// The bytes that all servers got, in that order.
  private var toServers: [UInt8] = []
  private var isZeroOpen = true
  private var isHostOpen = false
  private var isHostOpened = false
  private var hasFailed = false
  private(set) var isOver = false
  private(set) var isLeaving = false
  private var broken: String?

  init(_ bytes: [UInt8], size: Int, matches: Bool = true) {
    self.matches = matches
    super.init()
    splitter = HTTP1Splitter(driver: self)
    for turn in bytes.split(separator: 0x7f) {
      play(turn[turn.startIndex], turn.dropFirst(), size: size)
    }
    held = splitter.held.count
    isReading = !isOver && splitter.mode != .lastAnswer
  }

  private(set) var held = 0
  /// True if all of the client's bytes are for somebody.
  private(set) var isReading = false

  private func play(_ kind: UInt8, _ bytes: ArraySlice<UInt8>, size: Int) {
    guard !isOver else { return }
    switch kind {
    case UInt8(ascii: "c"):
      fromClient += bytes
      receive(bytes, .client, size)
    case UInt8(ascii: "z"): if isZeroOpen { receive(bytes, .way(0), size) }
    case UInt8(ascii: "h"): if isHostOpened { receive(bytes, .way(1), size) }
    case UInt8(ascii: "o"):
      guard isHostOpen else { return }
      isHostOpened = true
      splitter.opened(1)
    case UInt8(ascii: "f"):
      guard isHostOpen else { return }
      isHostOpen = false
      isHostOpened = false
      hasFailed = true
      splitter.failed(1)
    case UInt8(ascii: "e"): splitter.ended(.client)
    case UInt8(ascii: "E"): if isZeroOpen { splitter.ended(.way(0)) }
    case UInt8(ascii: "H"): if isHostOpened { splitter.ended(.way(1)) }
    case UInt8(ascii: "r"): splitter.renew()
    case UInt8(ascii: "l"):
      isLeaving = true
      splitter.leave()
    default: break
    }
  }

  private func receive(_ bytes: ArraySlice<UInt8>, _ side: SplitSide, _ size: Int) {
    var rest = bytes
    while !rest.isEmpty, !isOver {
      // A side that was closed says no more.
      if side == .way(0), !isZeroOpen { return }
      if side == .way(1), !isHostOpened { return }
      rest.prefix(size).withUnsafeBytes { splitter.received($0, from: side) }
      rest = rest.dropFirst(size)
      _ = splitter.mayRead(from: .client)
    }
  }

  // MARK: SplitDriver

  override func route(_ request: borrowing RequestHead) -> Way {
    matches && Self.rule?.matches(request) == true ? 1 : 0
  }

  override func open(_ way: Way) {
    if way == 0 {
      if isZeroOpen { broken = "way 0 is opened twice" }
      isZeroOpen = true
    } else {
      if isHostOpen { broken = "a host is opened twice" }
      isHostOpen = true
      isHostOpened = false
      toHost.append([])
    }
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    if isOver { broken = "it sends after the end" }
    switch side {
    case .client: toClient += bytes
    case .way(0):
      if !isZeroOpen { broken = "way 0 is closed" }
      toZero += bytes
      toServers += bytes
    case .way:
      if !isHostOpen { broken = "the host is closed" }
      toHost[toHost.count - 1] += bytes
      toServers += bytes
    }
  }

  override func close(_ way: Way, reset: Bool) {
    if way == 0 {
      isZeroOpen = false
    } else {
      isHostOpen = false
      isHostOpened = false
    }
  }

  override func end(reset: Bool) {
    if isOver { broken = "it ends twice" }
    isOver = true
  }

  // MARK: Promises

  func check() throws {
    if let broken { throw BrokenPromise(description: broken) }
    for bytes in toHost where !bytes.isEmpty {
      try promise(Self.hasMark(bytes), "a host gets what does not match")
    }
    guard !hasFailed else { return }
    try promise(fromClient.starts(with: toServers), "bytes have changed, or their order")
    if isReading { try promise(toServers.count + held == fromClient.count, "bytes are lost") }
  }

  /// True if the first request has the mark.
  private static func hasMark(_ bytes: [UInt8]) -> Bool {
    var scanner = MessageScanner()
    return bytes.withUnsafeBytes {
      var rest = $0
      guard case .head = scanner.next(&rest) else { return false }
      return mentions(UnsafeRawBufferPointer(rebasing: $0[..<($0.count - rest.count)]), "x-way:")
    }
  }
}
