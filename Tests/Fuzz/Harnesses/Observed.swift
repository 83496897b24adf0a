@testable import Exchanges
@testable import HTTPMessages

extension Harness {
  /// Turns, each ended by 0x7f: `c`lient or `s`erver, with the bytes behind it.
  static let observer = Harness(
    name: "observer", usualLength: 256,
    dictionary: [
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n", "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n",
      "HTTP/1.1 200 OK\r\n", "HTTP/1.1 101 ", "\r\n\r\n", "0\r\n\r\n", "\u{7f}c", "\u{7f}s",
    ]
  ) { bytes in
    let (whole, parts) = (Observation(bytes, size: .max), Observation(bytes, size: pieceSize(bytes)))
    try promise(whole.ended == whole.began && parts.ended == parts.began, "an exchange has no end, or two")
    try promise(whole.requests == parts.requests, "in pieces, other requests are seen")
    try promise(whole.kept <= bytes.count, "more is kept than came")
  }

  static let clientHello = Harness(
    name: "client-hello", usualLength: 300,
    dictionary: ["\u{16}\u{3}\u{1}", "\u{16}\u{3}\u{3}", "\u{1}\u{0}\u{0}", "\u{0}\u{0}", "\u{3}\u{3}"]
  ) { bytes in
    let whole = ClientHello(bytes)
    if case .name(let name) = whole {
      try promise(!name.isEmpty && name.count <= bytes.count, "a name that did not come")
      try promise(!name.contains { (65...90).contains($0) }, "a name with capitals")
    }
    // The beginning says nothing that the whole does not.
    let part = ClientHello(Array(bytes.prefix(bytes.count / 2)))
    if part != .more { try promise(part == whole, "the end changes what the beginning said") }
  }
}

/// Counts what an observer finds.
private final class Observation: ObserverDriver {
  private(set) var began: [UInt64] = []
  private(set) var ended: [UInt64] = []
  private(set) var requests: [String] = []
  private(set) var kept = 0
  private var next: UInt64 = 0

  init(_ bytes: [UInt8], size: Int) {
    super.init()
    let place = ObservedPlace(way: .forward, taker: .host, service: "s", namespace: "n", port: 80)
    let observer = ConnectionObserver(place, driver: self)
    for turn in bytes.split(separator: 0x7f) {
      let isClient = turn[turn.startIndex] == UInt8(ascii: "c")
      var part = turn.dropFirst()
      while !part.isEmpty {
        part.prefix(size).withUnsafeBytes {
          if isClient { observer.fromClient($0, now: 1) } else { observer.fromServer($0, now: 1) }
        }
        part = part.dropFirst(size)
      }
    }
    observer.serverEnded(now: 2)
    observer.closed("it ended", now: 3)
    ended.sort()
    began.sort()
  }

  override func nextID() -> UInt64 {
    next += 1
    return next
  }
  override var keepsBodies: Bool { true }
  override func mayKeep(_ count: Int) -> Bool {
    kept += count
    return true
  }
  override func began(_ exchange: ObservedExchange) {
    began.append(exchange.id)
    requests.append(exchange.exchange(bodies: false).request.target)
  }
  override func ended(_ exchange: ObservedExchange) { ended.append(exchange.id) }
}
