@testable import HTTPMessages

/// Records what a splitter does. Requests go by their header `x-way`, a number.
final class RecordedDriver: SplitDriver {
  /// The bytes for the client, and for each connection of a way: "0", and "0'" once it was opened again.
  private(set) var sent: [String: [UInt8]] = [:]
  private(set) var log: [String] = []
  private(set) var routed = 0
  private(set) var ending: String?
  /// The connections of each way so far; way 0 has one from the start.
  private var connections: [Way: Int] = [0: 1]
  private var finished: Set<String> = []
  /// The bytes that wait for each side, as the test sets them.
  var waiting: [String: Int] = [:]

  func text(_ side: String) -> String { String(decoding: sent[side] ?? [], as: UTF8.self) }

  func name(_ side: SplitSide) -> String {
    switch side {
    case .client: "client"
    case .way(let way): "\(way)" + String(repeating: "'", count: max((connections[way] ?? 1) - 1, 0))
    }
  }

  override func route(_ request: borrowing RequestHead) -> Way {
    routed += 1
    for way in 1...3 as ClosedRange<Way> {
      if RequestRule(text: Array("header x-way=\(way)".utf8))?.matches(request) == true { return way }
    }
    return 0
  }

  override func open(_ way: Way) {
    connections[way, default: 0] += 1
    log.append("open \(name(.way(way)))")
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    precondition(ending == nil && !finished.contains(name(side)), "it sends after the end")
    sent[name(side), default: []].append(contentsOf: bytes)
  }

  override func finishSending(to side: SplitSide) {
    if finished.insert(name(side)).inserted { log.append("fin \(name(side))") }
  }

  override func close(_ way: Way, reset: Bool) { log.append("\(reset ? "reset" : "close") \(name(.way(way)))") }

  override func end(reset: Bool) {
    precondition(ending == nil, "it ends twice")
    ending = reset ? "reset" : "end"
    log.append(reset ? "reset" : "end")
  }

  override func queued(for side: SplitSide) -> Int { waiting[name(side)] ?? 0 }
}
