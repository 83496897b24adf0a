import TunnelProtocol

/// `SPDY/3.1+portforward.k8s.io`: SPDY frames in binary messages, whose borders they do not follow. One pair of streams
/// carries one connection: an error stream, closed by us at once, and a data stream.
///
/// The header blocks are stored zlib (RFC 1950, RFC 1951 section 3.2.4), which every inflater takes; those of the
/// answers are not needed, and are skipped.
struct SPDYFraming: PortForwardFraming {
  static let name = "SPDY/3.1+portforward.k8s.io"

  private static let errorStream: UInt32 = 1
  private static let dataStream: UInt32 = 3
  private static let finFlag: UInt8 = 1

  let port: UInt16
  private var head: [UInt8] = []
  private var left = 0
  private var control: [UInt8] = []
  private var stream: UInt32 = 0
  private var flags: UInt8 = 0
  private var inFrame = false

  init(port: UInt16) { self.port = port }

  // MARK: Out

  var prefixSize: Int { 8 }

  mutating func prefix(_ payload: UnsafeMutableRawPointer, count: Int) {
    (payload - 8).storeBE32(Self.dataStream)
    (payload - 4).storeBE32(UInt32(count))
  }

  var prologue: [[UInt8]] {
    var deflate = StoredZlib()
    let common = [("port", String(port)), ("requestid", "0")]
    return [
      Self.synStream(
        Self.errorStream, flags: Self.finFlag,
        block: deflate.store(Self.headerBlock([("streamtype", "error")] + common)))
        + Self.synStream(
          Self.dataStream, flags: 0, block: deflate.store(Self.headerBlock([("streamtype", "data")] + common)))
    ]
  }

  private static func headerBlock(_ headers: [(String, String)]) -> [UInt8] {
    headers.reduce(into: bigEndian(UInt32(headers.count))) { block, header in
      for text in [header.0, header.1] { block += bigEndian(UInt32(text.utf8.count)) + Array(text.utf8) }
    }
  }

  private static func synStream(_ stream: UInt32, flags: UInt8, block: [UInt8]) -> [UInt8] {
    [0x80, 3, 0, 1] + bigEndian(UInt32(flags) << 24 | UInt32(block.count + 10)) + bigEndian(stream) + bigEndian(0) + [
      0, 0,
    ] + block
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
  }

  // MARK: In

  mutating func messageBegan() {}

  mutating func next(_ input: inout UnsafeRawBufferPointer) -> PortForwardEvent? {
    while true {
      if !inFrame {
        guard takeHead(&input) else { return nil }
        inFrame = true
      }
      let isControl = stream & 0x8000_0000 != 0
      if left > 0, !isControl, stream == Self.dataStream {
        guard !input.isEmpty else { return nil }
        return .payload(take(&input))
      }
      if left > 0 {
        guard !input.isEmpty else { return nil }
        let piece = take(&input)
        // The beginning of an error's text or a control frame is enough; header blocks are skipped.
        if control.count < 4096 { control.append(contentsOf: piece.prefix(4096 - control.count)) }
        continue
      }
      inFrame = false
      defer { control.removeAll(keepingCapacity: true) }
      if let event = isControl ? controlFrame() : dataFrame() { return event }
    }
  }

  private mutating func takeHead(_ input: inout UnsafeRawBufferPointer) -> Bool {
    while head.count < 8 {
      guard let byte = input.first else { return false }
      head.append(byte)
      input = UnsafeRawBufferPointer(rebasing: input[1...])
    }
    head.withUnsafeBytes { bytes in
      stream = bytes.baseAddress!.loadBE32()
      let word = bytes.baseAddress!.loadBE32(4)
      flags = UInt8(word >> 24)
      left = Int(word & 0xff_ffff)
    }
    head.removeAll(keepingCapacity: true)
    return true
  }

  private mutating func take(_ input: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let count = min(left, input.count)
    let piece = UnsafeRawBufferPointer(rebasing: input[..<count])
    input = UnsafeRawBufferPointer(rebasing: input[count...])
    left -= count
    return piece
  }

  private func dataFrame() -> PortForwardEvent? {
    if stream == Self.errorStream, !control.isEmpty { return .error(String(decoding: control, as: UTF8.self)) }
    if stream == Self.dataStream, flags & Self.finFlag != 0 { return .ended }
    return nil
  }

  private func controlFrame() -> PortForwardEvent? {
    func word() -> UInt32 {
      control.count < 4 ? 0 : control.withUnsafeBytes { $0.baseAddress!.loadBE32() } & 0x7fff_ffff
    }
    switch stream & 0xffff {
    case 3 where word() == Self.dataStream, 7: return .ended  // RST_STREAM, GOAWAY
    case 2 where word() == Self.dataStream && flags & Self.finFlag != 0: return .ended  // SYN_REPLY that also closes
    // The server's PING has an even id.
    case 6 where word() & 1 == 0: return .answer([0x80, 3, 0, 6, 0, 0, 0, 4] + control.prefix(4))
    default: return nil
    }
  }
}

/// A zlib stream of stored blocks: without compression, it needs only a head and lengths. The checksum at the end is
/// never written, since the stream never ends.
private struct StoredZlib {
  private var started = false

  mutating func store(_ bytes: [UInt8]) -> [UInt8] {
    let length = UInt16(bytes.count)
    let head: [UInt8] = started ? [] : [0x78, 0x01]
    started = true
    let stored = [0, UInt8(length & 0xff), UInt8(length >> 8), UInt8(~length & 0xff), UInt8(~length >> 8)] + bytes
    // An empty block follows, as a sync flush writes: without it Go's reader waits for more.
    return head + stored + [0, 0, 0, 0xff, 0xff]
  }
}
