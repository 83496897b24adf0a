@testable import HTTPMessages

/// A stream at one end.
final class ModelStream {
  let id: UInt32
  var sendWindow: Int
  var receiveWindow: Int
  /// The header blocks that came: heads, then trailers.
  var blocks: [[String]] = []
  var body: [UInt8] = []
  var hasEnded = false
  var reset: UInt32?
  /// Bytes that were not given back.
  var unread = 0

  /// The parts to be sent: DATA, then trailers.
  var rest: ArraySlice<UInt8> = []
  var trailers: [String]?
  var hasHead = false
  var hasFinished = false

  init(id: UInt32, sendWindow: Int, receiveWindow: Int) {
    self.id = id
    self.sendWindow = sendWindow
    self.receiveWindow = receiveWindow
  }
}

/// An honest HTTP/2 end, written for the tests alone. It notes each breach of the protocol by the other end.
final class ModelPeer {
  let isClient: Bool
  let name: String
  var out: [UInt8] = []
  var breaches: [String] = []
  var streams: [UInt32: ModelStream] = [:]
  /// The last stream of a GOAWAY that came.
  var goAway: UInt32?
  var goAwayCode: UInt32?
  /// Streams in the order in which they were opened here.
  var order: [UInt32] = []
  /// True to give connection windows back in large steps only.
  var isLazy = false

  private let encoder = ModelEncoder()
  private let decoder = HPACKDecoder()
  private var input: [UInt8] = []
  private var prefaceLeft: Int
  /// The windows of the connection.
  private(set) var sendWindow = 65535
  private(set) var receiveWindow = 65535
  private var unread = 0
  private var sendInitial = 65535
  private var receiveInitial = 65535
  private var sentSettings: [(window: Int?, table: Int?)] = []
  /// The table size with which the next block has to begin (RFC 7541, section 4.2).
  private var owedTable: Int?
  private var table = 4096
  private var block: (stream: UInt32, isLast: Bool, bytes: [UInt8])?
  private var owedResize: Int?
  private var highest: UInt32 = 0
  private var isFirst = true
  var pings = 0

  init(isClient: Bool, name: String, window: Int? = nil, connection: Int = 0) {
    self.isClient = isClient
    self.name = name
    prefaceLeft = isClient ? 0 : 24
    if isClient { out += Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) }
    changeSettings(window: window)
    if connection > 0 {
      receiveWindow += connection
      write(8, 0, 0, number(UInt32(connection)))
    }
  }

  // MARK: Sending

  func write(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
    out += [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), kind, flags]
    out += number(stream) + payload
  }

  func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  func changeSettings(window: Int?, table: Int? = nil, streams: Int? = nil) {
    var payload: [UInt8] = []
    if let window { payload += [0, 4] + number(UInt32(window)) }
    if let table { payload += [0, 1] + number(UInt32(table)) }
    if let streams { payload += [0, 3] + number(UInt32(streams)) }
    if let table { decoder.limit = max(decoder.limit, table) }
    sentSettings.append((window, table))
    write(4, 0, 0, payload)
  }

  /// Sends a header block, in several frames at times.
  func head(_ fields: [String], stream: UInt32, isLast: Bool, _ random: inout Random) {
    var bytes: [UInt8] = []
    if let size = owedResize { bytes += encoder.resize(size) }
    owedResize = nil
    for field in fields {
      let colon = field.dropFirst().firstIndex(of: ":")!
      bytes += encoder.encode(
        String(field[..<colon]), String(field[colon...].dropFirst(2)), isSecret: field.hasPrefix("authorization"))
    }
    var kind: UInt8 = 1
    repeat {
      let most = min(bytes.count, 16000)
      let count = random.chance(80) ? most : random.below(most)
      let piece = Array(bytes[..<count])
      bytes.removeFirst(count)
      var flags: UInt8 = bytes.isEmpty ? 4 : 0
      var payload = piece
      if kind == 1 {
        if isLast { flags |= 1 }
        if random.chance(10) {
          let padding = random.below(20)
          flags |= 8
          payload = [UInt8(padding)] + payload + [UInt8](repeating: 0, count: padding)
        }
      }
      write(kind, flags, stream, payload)
      kind = 9
    } while !bytes.isEmpty
  }

  func request(_ fields: [String], body: [UInt8], trailers: [String]? = nil, _ random: inout Random) -> ModelStream {
    let id = (order.last ?? UInt32.max) &+ 2
    order.append(id)
    let stream = ModelStream(id: id, sendWindow: sendInitial, receiveWindow: receiveInitial)
    streams[id] = stream
    stream.rest = body[...]
    stream.trailers = trailers
    stream.hasHead = true
    stream.hasFinished = body.isEmpty && trailers == nil
    head(fields, stream: id, isLast: stream.hasFinished, &random)
    return stream
  }

  func answer(_ stream: ModelStream, _ fields: [String], body: [UInt8], trailers: [String]?, _ random: inout Random) {
    stream.rest = body[...]
    stream.trailers = trailers
    stream.hasHead = true
    stream.hasFinished = body.isEmpty && trailers == nil
    if random.chance(10) { head([":status: 103", "link: early"], stream: stream.id, isLast: false, &random) }
    head(fields, stream: stream.id, isLast: stream.hasFinished, &random)
  }

  func reset(_ stream: ModelStream, _ code: UInt32) {
    write(3, 0, stream.id, number(code))
    stream.reset = code
  }

  func ping() { write(6, 0, 0, Array("12345678".utf8)) }

  /// Sends some DATA of a stream, or its end, where windows take it.
  @discardableResult func push(_ stream: ModelStream, _ random: inout Random) -> Bool {
    guard stream.hasHead, !stream.hasFinished, stream.reset == nil else { return false }
    if stream.rest.isEmpty {
      stream.hasFinished = true
      if let trailers = stream.trailers {
        head(trailers, stream: stream.id, isLast: true, &random)
      } else {
        write(0, 1, stream.id, [])
      }
      return true
    }
    let room = min(min(sendWindow, stream.sendWindow), 16384)
    guard room > 0 else { return false }
    let padding = random.chance(10) ? random.below(min(room, 255)) : -1
    let wanted = random.chance(50) ? stream.rest.count : 1 + random.below(stream.rest.count)
    let count = min(wanted, room - padding - 1)
    guard count >= 0 else { return false }
    let piece = Array(stream.rest.prefix(count))
    stream.rest = stream.rest.dropFirst(count)
    var payload = piece
    var flags: UInt8 = 0
    if padding >= 0 {
      payload = [UInt8(padding)] + piece + [UInt8](repeating: 0, count: padding)
      flags |= 8
    }
    if stream.rest.isEmpty, stream.trailers == nil, random.chance(50) {
      flags |= 1
      stream.hasFinished = true
    }
    sendWindow -= payload.count
    stream.sendWindow -= payload.count
    write(0, flags, stream.id, payload)
    return true
  }

  /// Gives windows back for what came.
  @discardableResult func read(_ stream: ModelStream, _ count: Int) -> Bool {
    let count = min(count, stream.unread)
    guard count > 0 else { return false }
    stream.unread -= count
    unread += count
    if !stream.hasEnded, stream.reset == nil {
      stream.receiveWindow += count
      write(8, 0, stream.id, number(UInt32(count)))
    }
    giveBack()
    return true
  }

  func giveBack() {
    guard unread >= (isLazy ? 32768 : 1) else { return }
    receiveWindow += unread
    write(8, 0, 0, number(UInt32(unread)))
    unread = 0
  }

  // MARK: Receiving

  func receive(_ bytes: [UInt8]) {
    input += bytes
    if prefaceLeft > 0 {
      let count = min(prefaceLeft, input.count)
      prefaceLeft -= count
      if prefaceLeft > 0 {
        input = []
        return
      }
      input.removeFirst(count)
    }
    var start = 0
    while input.count - start >= 9 {
      let length = Int(input[start]) << 16 | Int(input[start + 1]) << 8 | Int(input[start + 2])
      guard input.count - start >= 9 + length else { break }
      let stream = input[(start + 5)..<(start + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let payload = Array(input[(start + 9)..<(start + 9 + length)])
      frame(input[start + 3], input[start + 4], stream & 0x7fff_ffff, payload)
      start += 9 + length
    }
    input.removeFirst(start)
  }

  private func breach(_ text: String) { breaches.append("\(name): \(text)") }

  private func value(_ payload: [UInt8], _ start: Int = 0) -> Int {
    payload[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
  }

  private func frame(_ kind: UInt8, _ flags: UInt8, _ id: UInt32, _ payload: [UInt8]) {
    if isFirst, kind != 4 || flags != 0 { breach("the first frame is \(kind)") }
    isFirst = false
    if payload.count > 16384 { breach("a frame of \(payload.count) bytes") }
    if let block {
      guard kind == 9, block.stream == id else { return breach("frame \(kind) within a header block") }
      return fragment(id, block.isLast, block.bytes + payload, flags)
    }
    switch kind {
    case 0: data(flags, id, payload)
    case 1:
      var rest = payload[...]
      let padding = flags & 8 != 0 ? Int(rest.removeFirst()) : 0
      if flags & 0x20 != 0 { rest = rest.dropFirst(5) }
      fragment(id, flags & 1 != 0, Array(rest.dropLast(padding)), flags)
    case 3: resetCame(id, UInt32(value(payload)))
    case 4: settings(flags, payload)
    case 6: if flags & 1 == 0 { write(6, 1, 0, payload) } else { pings += 1 }
    case 7:
      goAway = UInt32(value(payload))
      goAwayCode = UInt32(value(payload, 4))
    case 8: window(id, value(payload) & 0x7fff_ffff)
    case 2: break
    default: breach("frame \(kind)")
    }
  }

  private func settings(_ flags: UInt8, _ payload: [UInt8]) {
    if flags & 1 != 0 {
      guard !sentSettings.isEmpty else { return breach("an acknowledgement of nothing") }
      let sent = sentSettings.removeFirst()
      if let size = sent.table {
        if size < table { owedTable = min(owedTable ?? size, size) }
        table = size
      }
      guard let window = sent.window else { return }
      for stream in streams.values { stream.receiveWindow += window - receiveInitial }
      receiveInitial = window
      return
    }
    for start in stride(from: 0, to: payload.count, by: 6) {
      let value = value(payload, start + 2)
      if payload[start + 1] == 4 {
        for stream in streams.values { stream.sendWindow += value - sendInitial }
        sendInitial = value
      }
      if payload[start + 1] == 1 { owedResize = min(owedResize ?? value, min(value, 4096)) }
    }
    write(4, 1, 0, [])
  }

  private func window(_ id: UInt32, _ count: Int) {
    if count == 0 { breach("a window update of 0 for \(id)") }
    if id == 0 {
      sendWindow += count
    } else if let stream = streams[id] {
      stream.sendWindow += count
    } else if id > highest {
      breach("a window update for the idle stream \(id)")
    }
  }

  private func resetCame(_ id: UInt32, _ code: UInt32) {
    guard let stream = streams[id] else { return breach("a reset of the unknown stream \(id)") }
    if stream.reset == nil { stream.reset = code }
    unread += stream.unread
    stream.unread = 0
    giveBack()
  }

  private func data(_ flags: UInt8, _ id: UInt32, _ payload: [UInt8]) {
    receiveWindow -= payload.count
    if receiveWindow < 0, !payload.isEmpty { breach("the connection's window is exceeded by \(-receiveWindow)") }
    guard let stream = streams[id] else { return breach("DATA for the unknown stream \(id)") }
    stream.receiveWindow -= payload.count
    if stream.receiveWindow < 0, !payload.isEmpty {
      breach("the window of \(id) is exceeded by \(-stream.receiveWindow)")
    }
    if stream.hasEnded { breach("DATA behind the end of \(id)") }
    if stream.blocks.isEmpty { breach("DATA before the head of \(id)") }
    if stream.reset != nil {
      unread += payload.count
      return giveBack()
    }
    let padding = flags & 8 != 0 ? Int(payload[0]) + 1 : 0
    stream.body += flags & 8 != 0 ? payload[1..<(payload.count - padding + 1)] : payload[...]
    stream.unread += payload.count
    if flags & 1 != 0 { stream.hasEnded = true }
  }

  private func fragment(_ id: UInt32, _ isLast: Bool, _ bytes: [UInt8], _ flags: UInt8) {
    guard flags & 4 != 0 else {
      block = (id, isLast, bytes)
      return
    }
    block = nil
    let list = HeaderList()
    guard bytes.withUnsafeBytes({ decoder.decode($0, into: list) }) else { return breach("a block that is none") }
    if let size = owedTable, decoder.leastSize < 0 || decoder.leastSize > size {
      breach("a block without a table size")
    }
    owedTable = nil
    let fields = list.fields.map {
      String(decoding: list.name($0), as: UTF8.self) + ": " + String(decoding: list.value($0), as: UTF8.self)
    }
    for (index, field) in list.fields.enumerated() where fields[index].hasPrefix("authorization") {
      if !field.isSecret { breach("a secret field may be kept") }
    }
    if streams[id] == nil {
      guard !isClient, id > highest, id & 1 == 1 else { return breach("a head for \(id) after \(highest)") }
      highest = id
      order.append(id)
      streams[id] = ModelStream(id: id, sendWindow: sendInitial, receiveWindow: receiveInitial)
    }
    let stream = streams[id]!
    if stream.hasEnded { breach("a block behind the end of \(id)") }
    stream.blocks.append(fields)
    if isLast { stream.hasEnded = true }
  }

  /// Counts a WINDOW_UPDATE of the connection that was written by hand.
  func widen(_ count: Int) { receiveWindow += count }

  /// Sends GOAWAY; streams above the last one are not answered.
  func leave(last: UInt32) { write(7, 0, 0, number(last) + number(0)) }
}
