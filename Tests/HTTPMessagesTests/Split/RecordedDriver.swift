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

  // MARK: Copies

  /// The hosts that get copies of requests with `x-copy: NAME`, and those of all bytes.
  var copyRules: [Way: String] = [:]
  var wholeCopies: Set<Way> = []
  /// The bytes that each takes before it fails; it takes all if there is no number.
  var copyLimits: [Way: Int] = [:]
  private(set) var lostCopies: [Way: Int] = [:]
  private var openCopies: Set<Way> = []

  /// The bytes of each connection of copies, in order.
  private(set) var copied: [Way: [[UInt8]]] = [:]
  func copies(_ way: Way) -> [String] { (copied[way] ?? []).map { String(decoding: $0, as: UTF8.self) } }

  override var copiesRequests: Bool { !copyRules.isEmpty || !wholeCopies.isEmpty }

  override func copies(of request: borrowing RequestHead) -> [Way] {
    var ways = wholeCopies
    for (way, name) in copyRules {
      if RequestRule(text: Array("header x-copy=\(name)".utf8))?.matches(request) == true { ways.insert(way) }
    }
    return opened(ways.sorted())
  }

  override func copiesOfStream(opens: Bool) -> [Way] {
    opened(wholeCopies.sorted().filter { opens || openCopies.contains($0) })
  }

  private func opened(_ ways: [Way]) -> [Way] {
    for way in ways where openCopies.insert(way).inserted { copied[way, default: []].append([]) }
    return ways
  }

  override func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool {
    guard openCopies.contains(way), ending == nil else { return false }
    if let limit = copyLimits[way] {
      guard bytes.count <= limit else {
        openCopies.remove(way)
        copyLimits[way] = nil
        lostCopies[way, default: 0] += 1
        return false
      }
      copyLimits[way] = limit - bytes.count
    }
    copied[way]![copied[way]!.count - 1] += bytes
    return true
  }

  override func copyIsLost(of way: Way) { lostCopies[way, default: 0] += 1 }

  override func closeCopy(_ way: Way, reset: Bool) {
    openCopies.remove(way)
    log.append("\(reset ? "reset" : "close") copy \(way)")
  }
}
