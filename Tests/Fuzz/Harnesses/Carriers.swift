@testable import KubeStreams

extension Harness {
  static let webSocket = Harness(name: "websocket", usualLength: 256) { bytes in
    try samePieces(bytes, FrameParser.init) { parser, piece, trace in
      var rest = piece
      while let event = parser.next(&rest) {
        switch event {
        case .began: trace.event(1)
        case .payload(let part): if !part.isEmpty { trace.payload(2, part) }
        case .ended: trace.event(3)
        case .ping(let payload):
          trace.event(4, payload)
          try promise(payload.count < 126, "a ping that is too long")
        case .close(let code, let reason):
          trace.event(5, Int(code ?? 0))
          trace.event(5, reason)
          return false
        case .malformed:
          trace.event(6)
          return false
        }
      }
      return true
    }
    // A writer takes a thousand bytes from the system's generator, which lasts longer than all of the reading.
    guard bytes.count.isMultiple(of: 16) else { return }
    var writer = FrameWriter()
    var frame = writer.frame(.binary, bytes)
    let head = bytes.count < 126 ? 2 : bytes.count < 65_536 ? 4 : 10
    let key = Array(frame[head..<(head + 4)])
    frame.removeSubrange(head..<(head + 4))
    frame[1] &= 0x7f
    for index in head..<frame.count { frame[index] ^= key[(index - head) & 3] }
    try promise(frame[head...].elementsEqual(bytes), "the mask is not undone")
  }

  static let spdy = Harness(name: "spdy") { bytes in
    guard let kind = bytes.first else { return }
    let messages = Array(bytes.dropFirst())
    if kind & 1 == 0 { try carried(messages) { SPDYFraming(port: 80) } } else { try carried(messages) { V4Framing() } }
  }

  /// SPDY's frames and v4's bytes do not care for the borders of the messages' pieces.
  private static func carried<Framing: PortForwardFraming>(_ bytes: [UInt8], _ framing: () -> Framing) throws {
    try samePieces(bytes, framing) { framing, piece, trace in
      var rest = piece
      while let event = framing.next(&rest) {
        switch event {
        case .payload(let part): if !part.isEmpty { trace.payload(1, part) }
        // The text of an error may come in pieces too, and then cuts a character in two.
        case .error(let text): if Framing.self == SPDYFraming.self { trace.event(2, text) }
        case .answer(let message): trace.event(3, message)
        case .ended: trace.event(4)
        }
      }
      return true
    }
  }

  static let execChannels = Harness(name: "exec-channels", maximumLength: 1024) { bytes in
    try samePieces(bytes, ExecChannels.init) { channels, piece, trace in
      switch channels.part(piece) {
      case .stdout(let part): trace.payload(1, part)
      case .stderr(let part): trace.payload(2, part)
      case .status(let part): trace.payload(3, part)
      case nil: break
      }
      return true
    }
  }
}
