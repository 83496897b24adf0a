@testable import HTTPMessages

extension Harness {
  static let hpack = Harness(name: "hpack", usualLength: 64) { bytes in
    let decoder = HPACKDecoder()
    let list = HeaderList()
    let again = HeaderList()
    // 0xff, which begins no common field, ends a block.
    for block in bytes.split(separator: 0xff, omittingEmptySubsequences: false) {
      guard Array(block).withUnsafeBytes({ decoder.decode($0, into: list) }) else { return }
      let size = list.fields.reduce(0) { $0 + $1.size }
      try promise(size <= HeaderList.limit && (!list.isTooLong || size == 0), "a list of \(size) bytes")
      let out = RawBytes()
      HPACKEncoder.encode(list, into: out)
      try promise(HPACKDecoder().decode(out.all, into: again), "what was encoded is no block")
      try promise(list.fields.count == again.fields.count, "fields are lost")
      for (one, other) in zip(list.fields, again.fields) {
        try promise(
          list.name(one).elementsEqual(again.name(other)) && list.value(one).elementsEqual(again.value(other))
            && one.isSecret == other.isSecret, "a field has changed")
      }
    }
  }

  static let http2Split = Harness(name: "http2-split", usualLength: 256) { bytes in
    guard let mode = bytes.first else { return }
    let sides = SplitSides(Choices(Array(bytes.dropFirst())), mode: mode)
    sides.play()
    try sides.check()
  }
}

/// The sides of a splitter, as an input plays them.
private final class SplitSides: SplitDriver {
  private var choices: Choices
  private var splitter: HTTP2Splitter!
  private let matches: Bool
  private var client: [UInt8] = []
  private var origin: [UInt8] = []
  private var toClient: [UInt8] = []
  private var toOrigin: [UInt8] = []
  private var toHosts: [[UInt8]] = []
  private var hosts: [Way: Int] = [:]
  private var isOver = false
  private var isDisturbed = false

  init(_ choices: Choices, mode: UInt8) {
    self.choices = choices
    matches = mode & 1 != 0
    super.init()
    splitter = HTTP2Splitter(driver: self)
    if mode & 2 == 0 {
      var start = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
      start += [0, 0, 0, 4, 0, 0, 0, 0, 0]
      receive(start, from: .client)
      receive([0, 0, 0, 4, 0, 0, 0, 0, 0], from: .way(0))
    }
  }

  // MARK: SplitDriver

  /// The way is the number of the query's bytes.
  override func route(_ request: borrowing RequestHead) -> Way { matches ? Way(request.query.count & 3) : 0 }

  override func open(_ way: Way) {
    hosts[way] = toHosts.count
    toHosts.append([])
  }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {
    switch side {
    case .client: toClient += bytes
    case .way(0): toOrigin += bytes
    case .way(let way): if let index = hosts[way] { toHosts[index] += bytes }
    }
  }

  override func close(_ way: Way, reset: Bool) { hosts[way] = nil }
  override func end(reset: Bool) { isOver = true }

  // MARK: Acts

  private func receive(_ bytes: [UInt8], from side: SplitSide) {
    if side == .client { client += bytes }
    if side == .way(0) { origin += bytes }
    bytes.withUnsafeBytes { splitter.received($0, from: side) }
  }

  func play() {
    while !choices.isOver, !isOver {
      let choice = choices.byte()
      let way = Way(choice >> 3 & 3)
      let side: SplitSide = choice & 0x20 != 0 ? .client : .way(way)
      switch choice & 7 {
      case 0...3: frame(side)
      case 4: request(choice)
      case 5: receive((0..<min(choices.byte(), 32)).map { _ in UInt8(choices.byte()) }, from: side)
      case 6: hosts[way] == nil ? disturb(choice, side) : splitter.opened(way)
      default: disturb(choice, side)
      }
      _ = splitter.mayRead(from: side)
    }
  }

  private func disturb(_ choice: Int, _ side: SplitSide) {
    isDisturbed = true
    switch choice >> 6 {
    case 0: splitter.ended(side)
    case 1: splitter.failed(Way(choice >> 3 & 3))
    case 2: splitter.leave()
    default: if let host = hosts.keys.sorted().last { splitter.failed(host) }
    }
  }

  /// A frame with small numbers.
  private func frame(_ side: SplitSide) {
    let kind = UInt8(choices.byte() % 11)
    let flags = UInt8(choices.byte())
    let stream = UInt8(choices.byte() & 31)
    var count = choices.byte()
    if kind == 0, count > 200 { count *= 64 }
    let payload = (0..<count).map { _ in UInt8(choices.byte()) }
    let size = [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
    receive(size + [kind, flags, 0, 0, 0, stream], from: side)
    receive(payload, from: side)
  }

  private func request(_ choice: Int) {
    let query = [UInt8](repeating: 0x61, count: choice >> 3 & 3)
    let block: [UInt8] = [0x82, 0x86, 0x44, UInt8(2 + query.count), 0x2f, 0x3f] + query
    let stream = UInt8(choices.byte() | 1)
    receive([0, 0, UInt8(block.count), 1, choice & 0x20 == 0 ? 5 : 4, 0, 0, 0, stream] + block, from: .client)
  }

  // MARK: Promises

  func check() throws {
    try promise(splitter.queuedUp >= 0 && splitter.queuedUp <= 2 << 20, "\(splitter.queuedUp) bytes wait for hosts")
    try promise(splitter.usedByHosts >= 0 && splitter.usedByOrigin >= 0, "a window is counted twice")
    try promise(splitter.streams.count <= HTTP2Splitter.mostStreams, "\(splitter.streams.count) streams")
    if splitter.phase == .passing || splitter.phase == .opaque {
      try promise(client.starts(with: toOrigin), "the origin gets other bytes")
      if !isDisturbed { try promise(origin.starts(with: toClient), "the client gets other bytes") }
    }
    for host in toHosts { try checkHost(host) }
  }

  /// All that a host gets is right, whatever the client sends.
  private func checkHost(_ bytes: [UInt8]) throws {
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    try promise(preface.starts(with: bytes.prefix(24)), "a host gets another preface")
    let decoder = HPACKDecoder()
    let list = HeaderList()
    var rest = bytes.dropFirst(24)
    var block: [UInt8] = []
    var last = 0
    while !rest.isEmpty {
      let header = Array(rest.prefix(9))
      try promise(header.count == 9, "a header has no end")
      let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
      let payload = rest.dropFirst(9).prefix(length)
      try promise(payload.count == length && length <= 16384, "a frame has no end")
      rest = rest.dropFirst(9 + length)
      let stream = header[5..<9].reduce(0) { $0 << 8 | Int($1) }
      if header[3] == 1 || header[3] == 9 {
        block += payload
        last = max(last, stream)
        guard header[4] & 4 != 0 else { continue }
        let isBlock = block.withUnsafeBytes { decoder.decode($0, into: list) }
        try promise(isBlock, "a host gets no block")
        block = []
      } else {
        try promise(block.isEmpty, "a frame is within a block")
        try promise(stream <= last, "a frame of a stream that was not opened")
      }
    }
  }
}
