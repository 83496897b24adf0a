@testable import HTTPMessages

extension Harness {
  /// Acts of a client, the origin and the hosts that get copies, behind a byte of options.
  static let http2Copies = Harness(name: "http2-copies", maximumLength: 2048, usualLength: 128) { bytes in
    guard let options = bytes.first else { return }
    let sides = CopiedSides(Choices(Array(bytes.dropFirst())), options: options)
    sides.play()
    try sides.check()
  }
}

/// A request as the client has sent it.
struct SentRequest {
  var fields: [[UInt8]]
  var body: [UInt8] = []
  var trailers: [UInt8]?
  var hasEnded = false
  /// True once a side has reset it, or its end cannot be copied.
  var isCut = false
}

/// The sides of a splitter, as an input plays them.
private final class CopiedSides: SplitDriver {
  private var choices: Choices
  private var splitter: HTTP2Splitter!
  private let size: Int
  private let splits: Bool
  private let holdLimit: Int
  private let queueLimit: Int
  private var client: [UInt8] = []
  private var toOrigin: [UInt8] = []
  private var isHostOpen = false
  private var isOver = false
  private var broken: String?
  private var requests: [UInt32: SentRequest] = [:]
  private var next: UInt32 = 1

  private var hosts: [Way: CopyHost] = [:]
  private var former: [CopyHost] = []
  private var held = 0
  private var lost: [Way: Int] = [:]

  init(_ choices: Choices, options: UInt8) {
    self.choices = choices
    size = [.max, 1, 5, 100][Int(options >> 4 & 3)]
    splits = options & 2 != 0
    holdLimit = options & 4 != 0 ? 600 : .max
    queueLimit = options & 8 != 0 ? 600 : .max
    super.init()
    splitter = HTTP2Splitter(driver: self)
    fromClient(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4, 0, 0, []))
    receive(Self.frame(4, 0, 0, []), from: .way(0))
  }

  private static func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    let size = payload.count
    return [UInt8(size >> 16), UInt8(size >> 8 & 255), UInt8(size & 255), kind, flags, 0, 0]
      + [UInt8(stream >> 8 & 255), UInt8(stream & 255)] + payload
  }

  // MARK: Acts

  func play() {
    while !choices.isOver, !isOver {
      let act = choices.byte()
      switch act & 15 {
      case 0...4: data(act)
      case 5, 6: request(act)
      case 7: trailers(act)
      case 8...11: fromHost(act)
      case 12: fromOrigin(act)
      case 13: reset(act)
      case 14: controlFrame(act)
      default: disturb(act)
      }
      for (id, one) in requests where !one.hasEnded && splitter.streams.find(id) == nil { requests[id]?.isCut = true }
    }
  }

  private func fromClient(_ bytes: [UInt8]) {
    client += bytes
    receive(bytes, from: .client)
  }

  private func receive(_ bytes: [UInt8], from side: SplitSide) {
    inPieces(bytes) { if !isOver { splitter.received($0, from: side) } }
  }

  /// Gives bytes in pieces, which are not too many.
  private func inPieces(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(max(size, bytes.count / 64))
      piece.withUnsafeBytes(body)
      rest = rest.dropFirst(piece.count)
    }
  }

  /// One of the last streams.
  private func stream(_ act: Int) -> UInt32 { next > 2 * UInt32(act >> 4 & 3) ? next - 2 * UInt32(act >> 4 & 3) : 1 }

  private func request(_ act: Int) {
    let isLast = act & 0x10 != 0
    // The query's size says who gets it.
    let query = [UInt8](repeating: 0x61, count: act >> 5 & 7)
    var block: [UInt8] = [0x82, 0x86, 0x44, UInt8(2 + query.count), 0x2f, 0x3f] + query
    if act & 0x0f == 6 { block += [0x10, 1, 0x78, 4, 0x61, 0x62, 0x63, 0x64] }
    next += 2
    fromClient(Self.frame(1, isLast ? 5 : 4, next, block))
    if isLast { requests[next]?.hasEnded = true }
  }

  /// DATA, often of a request that has not ended, with padding at times that may be longer than the frame.
  private func data(_ act: Int) {
    let id = stream(act)
    let size = choices.byte()
    let isLast = act & 0x40 != 0
    let isPadded = act & 0x80 != 0
    var body = (0..<(size & 31)).map { UInt8(truncatingIfNeeded: $0 &+ size) }
    if size > 0xf0 { body = [UInt8](repeating: UInt8(size), count: size == 0xff ? 20_000 : 1500) }
    var payload = body
    var isWrong = false
    if isPadded {
      let padding = choices.byte()
      if act & 1 != 0 { payload = [UInt8(padding)] + body + [UInt8](repeating: 0, count: padding) }
      let first = payload.first.map { Int($0) } ?? Int.max
      isWrong = first >= payload.count
      if !isWrong { body = Array(payload[1..<(payload.count - first)]) }
    }
    let isOpen = requests[id].map { !$0.hasEnded && !$0.isCut } ?? false
    if isOpen {
      if isWrong { requests[id]?.isCut = true } else { requests[id]?.body += body }
      if isLast, !isWrong { requests[id]?.hasEnded = true }
    }
    fromClient(Self.frame(0, (isLast ? 1 : 0) | (isPadded ? 8 : 0), id, payload))
  }

  /// A header block behind the first: trailers, or what is none.
  private func trailers(_ act: Int) {
    let id = stream(act)
    let isLast = act & 0x40 != 0
    let isLong = act & 0x80 != 0
    var block: [UInt8] = [0x10, 1, 0x74, 1, UInt8(0x61 + act >> 4 & 3)]
    if isLong {
      // A field of the table, over and over.
      block = [0x40, 1, 0x78, 0x7f, 0x81, 0x17] + [UInt8](repeating: 0x79, count: 3072)
      block += [UInt8](repeating: 0xbe, count: 24)
    }
    if let one = requests[id], !one.hasEnded, !one.isCut {
      if isLast, !isLong {
        requests[id]?.trailers = block
        requests[id]?.hasEnded = true
      } else {
        requests[id]?.isCut = true
      }
    }
    fromClient(Self.frame(1, isLast ? 5 : 4, id, block))
  }

  private func reset(_ act: Int) {
    let bytes = Self.frame(3, 0, stream(act), [0, 0, 0, 8])
    if act & 0x40 != 0 { fromClient(bytes) } else { receive(bytes, from: .way(0)) }
  }

  private func controlFrame(_ act: Int) {
    let window = [UInt8(0), UInt8(choices.byte() & 1), UInt8(choices.byte()), 0]
    switch act >> 4 {
    case 0: fromClient(Self.frame(4, 0, 0, [0, 4] + window))
    case 1: fromClient(Self.frame(8, 0, 0, window))
    case 2: fromClient(Self.frame(4, 1, 0, []))
    case 3: fromClient(Self.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
    case 4: fromClient(Self.frame(2, 0, stream(act), [0, 0, 0, 0, 7]))
    default: fromClient(Self.frame(20, 0, 0, window))
    }
  }

  private func fromOrigin(_ act: Int) {
    let id = stream(act)
    switch act >> 6 {
    case 0: receive(Self.frame(1, 5, id, [0x88]), from: .way(0))
    case 1: receive(Self.frame(1, 4, id, [0x88]), from: .way(0))
    case 2: receive(Self.frame(0, 1, id, [1, 2, 3]), from: .way(0))
    default: receive(Self.frame(7, 0, 0, [0, 0, 0, UInt8(choices.byte()), 0, 0, 0, 0]), from: .way(0))
    }
  }

  private func disturb(_ act: Int) {
    switch act >> 4 {
    case 0: if isHostOpen { splitter.opened(1) }
    case 1: if isHostOpen { splitter.failed(1) }
    case 2: splitter.leave()
    case 3: splitter.ended(.way(0))
    case 4: splitter.retire(1)
    case 5...8:
      // A host's connection of copies ends.
      let way = Way(11 + act >> 4 & 1)
      drop(way)
      splitter.copyEnded(way)
    default: break
    }
    _ = splitter.mayRead(from: .client)
  }

  private func drop(_ way: Way) {
    guard let host = hosts.removeValue(forKey: way) else { return }
    host.isOpen = false
    former.append(host)
  }

  // MARK: Hosts of copies

  private func fromHost(_ act: Int) {
    let way = Way(11 + act >> 4 & 1)
    guard let host = hosts[way] else { return }
    let number = choices.byte()
    let id = stream(choices.byte())
    switch act >> 5 {
    case 0: host.setWindow(number < 0x80 ? number : number * 500)
    case 1: host.widen(nil, 1 + number * 4)
    case 2: host.widen(id, 1 + number * 4)
    case 3: host.setStreams(number & 7)
    case 4: host.answer(id, number)
    case 5: host.reset(id)
    case 6: host.out += Self.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
    default:
      if number == 0 { host.out += Self.frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]) }
      if number == 1 { host.out += [0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0] }
      if number == 2 { host.setTable(0) }
    }
    let bytes = host.out
    host.out = []
    inPieces(bytes) { if hosts[way] != nil { splitter.received($0, ofCopy: way) } }
  }

  // MARK: SplitDriver

  /// The query's size has a bit for each way.
  override func route(_ request: borrowing RequestHead) -> Way { splits && request.query.count & 4 != 0 ? 1 : 0 }
  override func open(_ way: Way) { isHostOpen = true }
  override func close(_ way: Way, reset: Bool) { if way == 1 { isHostOpen = false } }

  override func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) { if side == .way(0) { toOrigin += bytes } }

  override func end(reset: Bool) {
    isOver = true
    for way in hosts.keys { drop(way) }
  }

  override var copiesRequests: Bool { true }

  override func copies(of request: borrowing RequestHead) -> [Way] {
    let id = splitter.newest
    let list = splitter.list
    requests[id] = SentRequest(fields: list.fields.map { Array(list.name($0)) + [0x3a] + Array(list.value($0)) })
    var ways: [Way] = []
    for way in [11, 12] as [Way] where request.query.count >> Int(way - 11) & 1 != 0 {
      ways.append(way)
      if hosts[way] == nil { hosts[way] = CopyHost(way, limit: queueLimit) }
      hosts[way]?.wanted.append(id)
    }
    return ways
  }

  override func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool {
    guard let host = hosts[way] else { return false }
    if host.take(bytes) { return true }
    drop(way)
    return false
  }

  override func copyIsLost(of way: Way) {
    if let host = hosts[way] { host.lost += 1 } else { broken = "a copy is lost by nobody" }
  }
  override func closeCopy(_ way: Way, reset: Bool) { drop(way) }

  override func holdCopies(_ count: Int) -> Bool {
    if count > 0, held + count > holdLimit { return false }
    held += count
    return true
  }

  // MARK: Promises

  func check() throws {
    if let broken { throw BrokenPromise(description: broken) }
    if splitter.phase == .passing || splitter.phase == .opaque {
      try promise(client.starts(with: toOrigin), "the origin gets other bytes")
    }
    for host in former + hosts.values { try host.check(requests) }
    var waiting = 0
    for host in hosts.values { waiting += host.missing(requests) }
    try promise(waiting == held, "\(waiting) bytes wait for hosts, \(held) are counted")
    for copy in splitter.copies { try promise(copy.size <= 2 * HTTP2Copy.holdLimit, "\(copy.size) bytes are kept") }
    for way in [11, 12] as [Way] { splitter.copyEnded(way) }
    try promise(held == 0, "\(held) bytes of copies are never given back")
  }
}

/// A server that gets copies, and knows what it may get.
final class CopyHost {
  struct Stream {
    var fields: [[UInt8]] = []
    var body: [UInt8] = []
    var trailers: [[UInt8]]?
    var hasEnded = false
    var isReset = false
    var hostHasEnded = false
    var hostHasReset = false
    var window: Int
    var isOpen: Bool { !isReset && !hostHasReset && !(hasEnded && hostHasEnded) }
  }

  let way: Way
  var isOpen = true
  var out: [UInt8] = []
  var wanted: [UInt32] = []
  var lost = 0
  private var left: Int
  private var streams: [UInt32: Stream] = [:]
  private let decoder = HPACKDecoder()
  private let list = HeaderList()
  private(set) var broken: String?
  private var prefaceLeft = 24
  private var window = 65_535
  private var firstWindow = 65_535
  private var mostStreams = Int.max
  private var last: UInt32 = 0
  private var owesTable = false

  init(_ way: Way, limit: Int) {
    self.way = way
    left = limit
  }

  // MARK: Its frames

  private func write(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
    out += [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), kind, flags] + Self.number(Int(stream)) + payload
  }

  private static func number(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  func setWindow(_ size: Int) {
    for id in streams.keys { streams[id]?.window += size - firstWindow }
    firstWindow = size
    write(4, 0, 0, [0, 4] + Self.number(size))
  }

  func setStreams(_ count: Int) {
    mostStreams = count
    write(4, 0, 0, [0, 3] + Self.number(count))
  }

  func setTable(_ size: Int) {
    owesTable = true
    write(4, 0, 0, [0, 1] + Self.number(size))
  }

  func widen(_ stream: UInt32?, _ count: Int) {
    if let stream { streams[stream]?.window += count } else { window += count }
    write(8, 0, stream ?? 0, Self.number(count))
  }

  func answer(_ stream: UInt32, _ number: Int) {
    let isLast = number & 1 != 0
    if isLast { streams[stream]?.hostHasEnded = true }
    if number & 2 != 0 { write(1, isLast ? 5 : 4, stream, [0x88]) } else { write(0, isLast ? 1 : 0, stream, [1, 2]) }
  }

  func reset(_ stream: UInt32) {
    streams[stream]?.hostHasReset = true
    write(3, 0, stream, Self.number(8))
  }

  // MARK: The copies' frames

  /// Takes whole frames. False if they are too many.
  func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard left >= bytes.count else { return false }
    left -= bytes.count
    var rest = bytes[...]
    if prefaceLeft > 0 {
      if !rest.starts(with: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)) { broken = "another preface" }
      rest = rest.dropFirst(24)
      prefaceLeft = 0
    }
    while !rest.isEmpty, broken == nil {
      let header = Array(rest.prefix(9))
      guard header.count == 9 else {
        broken = "a header has no end"
        break
      }
      let size = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
      rest = rest.dropFirst(9)
      let payload = UnsafeRawBufferPointer(rebasing: rest.prefix(size))
      guard payload.count == size, size <= 16_384 else {
        broken = "a frame has no end"
        break
      }
      rest = rest.dropFirst(size)
      frame(header[3], header[4], header[5..<9].reduce(0) { $0 << 8 | UInt32($1) }, payload)
    }
    return true
  }

  private func frame(_ kind: UInt8, _ flags: UInt8, _ id: UInt32, _ payload: UnsafeRawBufferPointer) {
    switch kind {
    case 0:
      guard var stream = streams[id], !stream.hasEnded, !stream.isReset else { return fail("DATA of no stream") }
      stream.window -= payload.count
      window -= payload.count
      if !payload.isEmpty, window < 0 || stream.window < 0 { broken = "DATA above a window" }
      stream.body += payload
      stream.hasEnded = flags & 1 != 0
      streams[id] = stream
    case 1: headers(flags, id, payload)
    case 3:
      guard var stream = streams[id], !stream.isReset else { return fail("a reset of no stream") }
      stream.isReset = true
      streams[id] = stream
    case 4, 6: if id != 0 { broken = "a stream's SETTINGS or PING" }
    case 8: if payload.count != 4 { broken = "a window of no size" }
    default: broken = "a frame of kind \(kind)"
    }
  }

  private func fail(_ reason: String) { broken = reason }

  private func headers(_ flags: UInt8, _ id: UInt32, _ payload: UnsafeRawBufferPointer) {
    guard flags & 4 != 0 else { return fail("a block in parts") }
    guard decoder.decode(payload, into: list) else { return fail("no block") }
    if owesTable, decoder.lastSize != 0 { broken = "no change of the table's size" }
    owesTable = false
    let fields = list.fields.map { Array(list.name($0)) + [0x3a] + Array(list.value($0)) }
    if var stream = streams[id] {
      guard !stream.hasEnded, !stream.isReset, flags & 1 != 0 else { return fail("trailers of no stream") }
      stream.trailers = fields
      stream.hasEnded = true
      streams[id] = stream
      return
    }
    guard id > last, id & 1 != 0 else { return fail("a stream that is not new") }
    last = id
    if streams.values.lazy.filter(\.isOpen).count >= mostStreams { broken = "too many streams" }
    streams[id] = Stream(fields: fields, hasEnded: flags & 1 != 0, window: firstWindow)
  }

  // MARK: Promises

  func check(_ requests: [UInt32: SentRequest]) throws {
    if let broken { throw BrokenPromise(description: "host \(way) gets \(broken)") }
    var unexplained = 0
    for (id, stream) in streams {
      try promise(wanted.contains(id), "host \(way) gets a request that it does not want")
      guard let sent = requests[id] else { throw BrokenPromise(description: "a request that was never sent") }
      try promise(stream.fields == sent.fields, "host \(way) gets other fields")
      try promise(sent.body.starts(with: stream.body), "host \(way) gets another body")
      if stream.hasEnded {
        try promise(sent.hasEnded && sent.body.count == stream.body.count, "host \(way) gets a part as the whole")
        try promise((sent.trailers == nil) == (stream.trailers == nil), "host \(way) gets other trailers")
      } else if isOpen, stream.isReset, !sent.isCut, !stream.hostHasReset {
        unexplained += 1
      } else if isOpen, sent.isCut, !stream.isReset, !stream.hostHasReset {
        throw BrokenPromise(description: "stream \(id) of host \(way) has no end")
      }
    }
    if isOpen {
      for id in wanted where streams[id] == nil { unexplained += 1 }
      try promise(unexplained <= lost, "\(unexplained) copies of host \(way) are gone, \(lost) are told")
    }
  }

  /// The bytes of DATA that have not come, of copies that go on.
  func missing(_ requests: [UInt32: SentRequest]) -> Int {
    var sum = 0
    for (id, stream) in streams where !stream.hasEnded && !stream.isReset && !stream.hostHasReset {
      sum += (requests[id]?.body.count ?? 0) - stream.body.count
    }
    return sum
  }
}
