@testable import HTTPMessages

extension Harness {
  /// Turns as those of `http1-split`, behind a byte of options. Host 11 gets copies of requests with `X-Copy: a`, host
  /// 12 of all with that field, host 13 of all bytes.
  static let http1Copies = Harness(
    name: "http1-copies", usualLength: 256,
    dictionary: [
      "GET / HTTP/1.1\r\n", "X-Way: 1\r\n", "X-Copy: a\r\n", "X-Copy: b\r\n", "HEAD / ", "CONNECT a HTTP/1.1\r\n",
      "HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 ", "HTTP/1.1 101 ", "\r\n\r\n", "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "Connection: close\r\n", "Upgrade: x\r\n", "\u{7f}c", "\u{7f}z",
      "\u{7f}h", "\u{7f}o", "\u{7f}f", "\u{7f}q",
    ]
  ) { bytes in
    // A request that asks for HTTP/2 has no copy, and no call of the driver tells where it begins.
    guard let options = bytes.first, !bytes.withUnsafeBytes({ mentions($0, "h2c") }) else { return }
    try CopiedTurns(bytes.dropFirst(), options: options).check()
  }
}

/// The sides of a splitter, and the hosts that get copies.
private final class CopiedTurns: SplitDriver {
  private static let rules: [(Way, RequestRule?)] = [
    (11, RequestRule(text: Array("header x-copy=a".utf8))), (12, RequestRule(text: Array("header x-copy=*".utf8))),
  ]
  private static let splitRule = RequestRule(text: Array("header x-way=1".utf8))
  private var splitter: HTTP1Splitter!
  private let hasCopyOfAll: Bool
  /// The bytes that a connection of copies takes.
  private let limit: Int
  private let size: Int

  private var fromClient: [UInt8] = []
  /// The bytes of it that have left for their way.
  private var sent = 0
  private var isZeroOpen = true
  private var isHostOpen = false
  private var isHostOpened = false
  /// The bytes for a host that has not taken the connection: way 0 gets them if it does not.
  private var kept: [UInt8] = []
  private var due: [UInt8] = []
  private var isOver = false
  private var broken: String?

  /// A connection of copies.
  private struct Copy {
    let way: Way
    var bytes: [UInt8] = []
    var isOpen = true
    /// The client's bytes that had left when it ended.
    var end: Int?
    /// True if it did not take all.
    var isFull = false
  }
  private var copies: [Copy] = []
  private var lost = 0
  /// The place from which on some connections get the client's bytes.
  private var parts: [(start: Int, copies: [Int])] = []

  init(_ bytes: ArraySlice<UInt8>, options: UInt8) {
    hasCopyOfAll = options & 1 != 0
    limit = options & 2 != 0 ? 8 + Int(options >> 4) * 16 : Int.max
    size = [Int.max, 1, 7, 40][Int(options >> 2 & 3)]
    super.init()
    splitter = HTTP1Splitter(driver: self, isStream: options & 0xf0 == 0x50)
    for turn in bytes.split(separator: 0x7f) {
      play(turn[turn.startIndex], turn.dropFirst())
      if isOver { break }
    }
  }

  private func play(_ kind: UInt8, _ bytes: ArraySlice<UInt8>) {
    switch kind {
    case UInt8(ascii: "c"):
      fromClient += bytes
      receive(bytes, .client)
    case UInt8(ascii: "z"): receive(bytes, .way(0))
    case UInt8(ascii: "h"): receive(bytes, .way(1))
    case UInt8(ascii: "o"):
      guard isHostOpen else { return }
      isHostOpened = true
      kept = []
      splitter.opened(1)
    case UInt8(ascii: "f"):
      guard isHostOpen else { return }
      if !isHostOpened { due = kept }
      (isHostOpen, isHostOpened, kept) = (false, false, [])
      splitter.failed(1)
      if !due.isEmpty, !isOver { broken = "what a host did not take is lost" }
    case UInt8(ascii: "e"): splitter.ended(.client)
    case UInt8(ascii: "E"): if isZeroOpen { splitter.ended(.way(0)) }
    case UInt8(ascii: "H"): if isHostOpened { splitter.ended(.way(1)) }
    case UInt8(ascii: "r"): splitter.renew()
    case UInt8(ascii: "l"): splitter.leave()
    case UInt8(ascii: "q"): if let open = copies.lastIndex(where: \.isOpen) { end(open) }
    default: break
    }
  }

  private func receive(_ bytes: ArraySlice<UInt8>, _ side: SplitSide) {
    var rest = bytes
    while !rest.isEmpty, !isOver {
      // A side that was closed says no more.
      if side == .way(0), !isZeroOpen { return }
      if side == .way(1), !isHostOpened { return }
      rest.prefix(size).withUnsafeBytes { splitter.received($0, from: side) }
      rest = rest.dropFirst(size)
    }
  }

  // MARK: SplitDriver

  override func route(_ request: borrowing RequestHead) -> Way { Self.splitRule?.matches(request) == true ? 1 : 0 }

  override func open(_ way: Way) {
    if way == 0 { isZeroOpen = true } else { (isHostOpen, isHostOpened, kept) = (true, false, []) }
  }

  override func close(_ way: Way, reset: Bool) {
    if way == 0 { isZeroOpen = false } else { (isHostOpen, isHostOpened, kept) = (false, false, []) }
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    if isOver { broken = "it sends after the end" }
    guard side != .client else { return }
    if !due.isEmpty {
      if !bytes.elementsEqual(due) { broken = "another host gets something else" }
      due = []
      return
    }
    if bytes.count > fromClient.count - sent || !bytes.elementsEqual(fromClient[sent..<(sent + bytes.count)]) {
      broken = "bytes have changed, or their order"
    }
    sent = min(sent + bytes.count, fromClient.count)
    if side == .way(1), !isHostOpened { kept += bytes }
  }

  override func end(reset: Bool) {
    isOver = true
    for index in copies.indices where copies[index].isOpen { end(index) }
  }

  private func end(_ index: Int) {
    copies[index].isOpen = false
    copies[index].end = sent
  }

  // MARK: Copies

  override var copiesRequests: Bool { true }

  override func copies(of request: borrowing RequestHead) -> [Way] {
    var ways: [Way] = hasCopyOfAll ? [13] : []
    for (way, rule) in Self.rules where rule?.matches(request) == true { ways.append(way) }
    return begin(ways)
  }

  override func copiesOfStream(opens: Bool) -> [Way] {
    let ways: [Way] = hasCopyOfAll && (opens || open(13) != nil) ? [13] : []
    return opens ? begin(ways) : ways
  }

  private func begin(_ ways: [Way]) -> [Way] {
    var connections: [Int] = []
    for way in ways {
      if open(way) == nil { copies.append(Copy(way: way)) }
      connections.append(open(way) ?? 0)
    }
    parts.append((sent, connections))
    return ways
  }

  private func open(_ way: Way) -> Int? { copies.lastIndex { $0.way == way && $0.isOpen } }

  override func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool {
    if isOver { broken = "it copies after the end" }
    guard let index = open(way) else { return false }
    guard copies[index].bytes.count + bytes.count <= limit else {
      copies[index].isFull = true
      end(index)
      return false
    }
    copies[index].bytes += bytes
    return true
  }

  override func copyIsLost(of way: Way) { lost += 1 }
  override func closeCopy(_ way: Way, reset: Bool) { if let index = open(way) { end(index) } }

  // MARK: Promises

  func check() throws {
    if let broken { throw BrokenPromise(description: broken) }
    for (index, copy) in copies.enumerated() {
      var expected: [UInt8] = []
      for (place, part) in parts.enumerated() where part.copies.contains(index) {
        let end = min(place + 1 < parts.count ? parts[place + 1].start : sent, copy.end ?? sent)
        if part.start < end { expected += fromClient[part.start..<end] }
      }
      try promise(
        copy.isFull ? expected.starts(with: copy.bytes) : expected == copy.bytes, "host \(copy.way) has another copy")
      if copy.way != 13 { try promise(Self.haveMark(copy.bytes), "a host has what does not match") }
    }
    try promise(lost == 0, "a copy is lost that is not")
  }

  /// True if all requests have the mark, as far as a server would read them.
  private static func haveMark(_ bytes: [UInt8]) -> Bool {
    var scanner = MessageScanner()
    return bytes.withUnsafeBytes {
      var rest = $0
      var start = 0
      while let event = scanner.next(&rest) {
        let place = $0.count - rest.count
        switch event {
        case .failed: return true
        case .end: start = place
        case .head:
          guard mentions(UnsafeRawBufferPointer(rebasing: $0[start..<place]), "x-copy:") else { return false }
          // Another protocol may follow.
          if scanner.hasUpgrade || scanner.start.first == 0x43 { return true }
          if scanner.startBody(true) { start = place }
        }
      }
      return true
    }
  }
}
