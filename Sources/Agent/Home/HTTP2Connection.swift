#if !hasFeature(Embedded)
  import HTTPMessages
  import TunnelProtocol
#endif

/// The streams of an HTTP/2 connection, by the frame headers of both directions. Payload is never looked at.
struct HTTP2Connection {
  private var client = FrameScanner()
  private var server = FrameScanner()
  /// The highest stream that the client has opened.
  private(set) var lastStream: UInt32 = 0
  /// Streams that the server has not ended.
  private var open: [UInt32] = []
  /// True once more streams were open than are followed.
  private var isCrowded = false
  private static let followed = 1024
  private var hasGreeted = false
  private var isInHeaderBlock = false
  /// True once the server has sent a GOAWAY of its own.
  private(set) var isEnding = false

  /// True if no stream is open.
  var isQuiet: Bool { open.isEmpty && !isCrowded }

  /// True if a frame may come before the server's next byte: not within another one or a header block, whose frames
  /// follow each other (section 6.10), not before the server's SETTINGS, and no GOAWAY after a lower one (section 6.8).
  var mayInsert: Bool { hasGreeted && !isInHeaderBlock && !isEnding && server.isBetweenFrames }

  /// Sees bytes of the client, those behind the preface.
  @inline(never) mutating func fromClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !rest.isEmpty {
      guard client.next(&rest) else { continue }
      if client.kind == HTTP2Frame.headers, client.stream > lastStream {
        lastStream = client.stream
        if open.count < Self.followed { open.append(lastStream) } else { isCrowded = true }
      } else if client.kind == HTTP2Frame.reset {
        ended(client.stream)
      }
    }
  }

  /// Sees bytes of the server up to the next end of a frame, of its header, or of the input, and takes them off
  /// `bytes`.
  @inline(never) mutating func fromServer(_ bytes: inout UnsafeRawBufferPointer) {
    guard server.next(&bytes) else { return }
    switch server.kind {
    case HTTP2Frame.data: if server.flags & HTTP2Frame.Flag.endStream != 0 { ended(server.stream) }
    case HTTP2Frame.headers:
      if server.flags & HTTP2Frame.Flag.endStream != 0 { ended(server.stream) }
      isInHeaderBlock = server.flags & HTTP2Frame.Flag.endHeaders == 0
    case HTTP2Frame.pushPromise, HTTP2Frame.continuation:
      isInHeaderBlock = server.flags & HTTP2Frame.Flag.endHeaders == 0
    case HTTP2Frame.reset: ended(server.stream)
    case HTTP2Frame.settings: hasGreeted = true
    case HTTP2Frame.goAway: isEnding = true
    default: break
    }
  }

  @inline(never) private mutating func ended(_ stream: UInt32) {
    guard let position = open.firstIndex(of: stream) else { return }
    open[position] = open[open.count - 1]
    open.removeLast()
  }

  static let goAwaySize = 17
  /// The last stream of a first GOAWAY, which refuses none.
  static let everyStream: UInt32 = 0x7fff_ffff

  /// Writes a GOAWAY without an error (section 6.8): `goAwaySize` bytes.
  static func writeGoAway(lastStream: UInt32, to bytes: UnsafeMutableRawPointer) {
    bytes.storeBE64(0x0000_0807_0000_0000)  // 8 bytes of payload, GOAWAY, no flags, stream 0
    bytes.storeByte(0, 8)
    bytes.storeBE32(lastStream, 9)
    bytes.storeBE32(0, 13)  // NO_ERROR
  }
}
