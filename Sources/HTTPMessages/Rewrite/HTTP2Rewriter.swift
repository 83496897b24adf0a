/// Rewrites the header blocks in a connection of HTTP/2. Streams keep their numbers, and each side's windows count the
/// same bytes as before.
final class HTTP2Rewriter {
  /// One direction.
  private final class Side {
    let reader = HTTP2FrameReader(
      collected: 1 << UInt32(HTTP2Frame.headers) | 1 << UInt32(HTTP2Frame.continuation)
        | 1 << UInt32(HTTP2Frame.settings) | 1 << UInt32(HTTP2Frame.pushPromise))
    let decoder = HPACKDecoder()
    let block = HTTP2HeaderBlock()
    /// The stream that a PUSH_PROMISE has promised, and the beginning of its block; 0 without.
    var promised: UInt32 = 0
    var promise: [UInt8] = []
    var promiser: UInt32 = 0

    /// Payloads may be as long as the other side allows.
    init() { reader.maximum = HTTP2Rewriter.blockLimit }
  }

  private static let blockLimit = 160 << 10
  private static let outLimit = 2 << 20

  private let rewrite: HeadRewrite
  private let client = Side()
  private let server = Side()
  private let list = HeaderList()
  private let out = RawBytes()
  /// The bytes of the preface that are still to come.
  private var preface = HTTP2Frame.preface.utf8CodeUnitCount
  /// The name by which the last request came.
  private var name: [UInt8] = []

  init(_ rewrite: HeadRewrite) { self.rewrite = rewrite }

  func received(_ bytes: UnsafeRawBufferPointer, fromClient: Bool, _ send: HTTPRewriter.Send) -> Bool {
    var rest = bytes
    if fromClient, preface > 0 {
      let part = rest.first(preface)
      preface -= part.count
      out.append(part)
      rest = rest.behind(part.count)
    }
    let isSound = read(&rest, fromClient)
    if !out.isEmpty { send(out.all, !fromClient) }
    out.clear()
    return isSound
  }

  private func read(_ rest: inout UnsafeRawBufferPointer, _ fromClient: Bool) -> Bool {
    let side = fromClient ? client : server
    while true {
      switch side.reader.next(&rest) {
      case .more: return true
      case .tooLong: return false
      case .header(let bytes), .piece(let bytes): out.append(bytes)
      case .frame(let frame):
        let isSound =
          switch side.reader.kind {
          case HTTP2Frame.settings: settings(frame, fromClient)
          case HTTP2Frame.pushPromise: promise(frame, side, fromClient)
          default: side.promised != 0 ? continuedPromise(frame, side, fromClient) : block(frame, side, fromClient)
          }
        // Blocks are written without the table: few bytes may become many.
        guard isSound, out.count <= Self.outLimit else { return false }
      }
    }
  }

  /// Notes the table that the sender allows the other side's encoder.
  private func settings(_ frame: UnsafeRawBufferPointer, _ fromClient: Bool) -> Bool {
    out.append(frame)
    var rest = frame.behind(HTTP2Frame.headerSize)
    while rest.count >= 6 {
      let identifier = Int(rest[0]) << 8 | Int(rest[1])
      let decoder = fromClient ? server.decoder : client.decoder
      // A smaller one holds once the other side has agreed; its blocks say so.
      if identifier == HTTP2Frame.Setting.headerTableSize {
        decoder.limit = max(decoder.limit, min(Int(rest.number32(2)), 1 << 20))
      }
      rest = rest.behind(6)
    }
    return true
  }

  private func block(_ frame: UnsafeRawBufferPointer, _ side: Side, _ fromClient: Bool) -> Bool {
    switch side.block.take(side.reader, frame) {
    case .more: return true
    case .wrong, .tooLong: return false
    case .complete(let fragment):
      guard let block = rewritten(fragment, side, fromClient) else { return false }
      out.headerBlock(
        block.all, flags: side.block.isLast ? HTTP2Frame.Flag.endStream : 0, stream: side.block.stream)
      side.block.clear()
      return true
    }
  }

  /// Takes a PUSH_PROMISE (RFC 9113, section 6.6), whose block stands behind the promised stream's number.
  private func promise(_ frame: UnsafeRawBufferPointer, _ side: Side, _ fromClient: Bool) -> Bool {
    var payload = frame.behind(HTTP2Frame.headerSize)
    if side.reader.has(HTTP2Frame.Flag.padded) {
      guard let padding = payload.first, payload.count > Int(padding) else { return false }
      payload = payload.behind(1).first(payload.count - 1 - Int(padding))
    }
    guard payload.count >= 4 else { return false }
    side.promised = payload.number32(0) & HTTP2Frame.lastStream
    side.promiser = side.reader.stream
    guard side.promised != 0 else { return false }
    side.promise = Array(payload.behind(4))
    return side.reader.has(HTTP2Frame.Flag.endHeaders) ? promiseEnded(side, fromClient) : true
  }

  private func continuedPromise(_ frame: UnsafeRawBufferPointer, _ side: Side, _ fromClient: Bool) -> Bool {
    guard side.reader.kind == HTTP2Frame.continuation, side.reader.stream == side.promiser else { return false }
    side.promise.append(contentsOf: frame.behind(HTTP2Frame.headerSize))
    guard side.promise.count <= Self.blockLimit else { return false }
    return side.reader.has(HTTP2Frame.Flag.endHeaders) ? promiseEnded(side, fromClient) : true
  }

  private func promiseEnded(_ side: Side, _ fromClient: Bool) -> Bool {
    let bytes = side.promise
    guard let block = bytes.withUnsafeBytes({ rewritten($0, side, fromClient) }) else { return false }
    let first = block.all.first(HTTP2Frame.size - 4)
    var rest = block.all.behind(first.count)
    let end = rest.isEmpty ? HTTP2Frame.Flag.endHeaders : 0
    out.frame(HTTP2Frame.pushPromise, flags: end, stream: side.promiser, length: first.count + 4)
    out.append32(side.promised)
    out.append(first)
    while !rest.isEmpty {
      let piece = rest.first(HTTP2Frame.size)
      rest = rest.behind(piece.count)
      let end = rest.isEmpty ? HTTP2Frame.Flag.endHeaders : 0
      out.frame(HTTP2Frame.continuation, flags: end, stream: side.promiser, length: piece.count)
      out.append(piece)
    }
    side.promised = 0
    side.promise = []
    return true
  }

  // MARK: Fields

  /// Returns a block with the changes. Nil if it is no valid one, or its request is refused.
  private func rewritten(_ fragment: UnsafeRawBufferPointer, _ side: Side, _ fromClient: Bool) -> RawBytes? {
    guard side.decoder.decode(fragment, into: list), !list.isTooLong else { return nil }
    var head: [HeadField] = []
    for field in list.fields {
      var one = HeadField(Array(list.name(field)), Array(list.value(field)))
      one.index = field.index
      one.isWhole = field.isWhole
      one.isSecret = field.isSecret
      head.append(one)
    }
    // A block without them has trailers, or was promised.
    if fromClient {
      if head.contains(where: { $0.isNamed(":method") }) { guard request(&head) else { return nil } }
    } else if head.contains(where: { $0.isNamed(":status") }) {
      rewrite.answer(&head, client: name)
    } else {
      for index in head.indices where head[index].isNamed(":authority") { head[index].value = name }
    }
    list.clear()
    for field in head {
      let start = list.bytes.count
      field.name.withUnsafeBytes { list.bytes.append($0) }
      field.value.withUnsafeBytes { list.bytes.append($0) }
      list.add(
        HeaderList.Field(
          start: start, nameCount: field.name.count, valueCount: field.value.count, index: field.index,
          isWhole: field.isWhole, isSecret: field.isSecret))
    }
    guard !list.isTooLong else { return nil }
    let block = RawBytes()
    if side.decoder.lastSize >= 0 {
      if side.decoder.leastSize < side.decoder.lastSize { HPACKEncoder.tableSize(side.decoder.leastSize, into: block) }
      HPACKEncoder.tableSize(side.decoder.lastSize, into: block)
    }
    HPACKEncoder.encode(list, into: block)
    list.clear()
    return block
  }

  private func request(_ head: inout [HeadField]) -> Bool {
    var authority: [UInt8]?
    for field in head where authority == nil && field.isNamed(":authority") { authority = field.value }
    for field in head where authority == nil && field.isNamed("host") { authority = field.value }
    name = authority ?? []
    guard rewrite.allows(name), rewrite.allows(head) else { return false }
    head.removeAll { $0.isNamed("host") }
    if let index = head.firstIndex(where: { $0.isNamed(":authority") }) {
      head[index].value = rewrite.host
    } else {
      // Pseudo-header fields come first.
      head.insert(HeadField(Array(bytes: ":authority"), rewrite.host), at: 0)
    }
    rewrite.request(&head, client: name)
    return true
  }
}
