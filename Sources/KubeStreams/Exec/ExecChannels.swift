/// The messages of an exec (Kubernetes, `remotecommand`): the first byte is the channel, the rest is
/// its data. Bytes in, parts out; no I/O.
struct ExecChannels {
  /// With v5 the client can close its stdin: `ff` and the channel.
  static let v5 = "v5.channel.k8s.io"
  static let v4 = "v4.channel.k8s.io"

  static let stdin: UInt8 = 0
  static let closeStdin: [UInt8] = [0xff, stdin]

  enum Part {
    case stdout(UnsafeRawBufferPointer)
    case stderr(UnsafeRawBufferPointer)
    /// A piece of the JSON `Status` that ends the exec.
    case status(UnsafeRawBufferPointer)
  }

  private var channel: UInt8?

  mutating func messageBegan() { channel = nil }

  /// Returns nil for an unused channel, and for a channel's first, empty message.
  mutating func part(_ payload: UnsafeRawBufferPointer) -> Part? {
    var payload = payload
    if channel == nil {
      guard let first = payload.first else { return nil }
      channel = first
      payload = UnsafeRawBufferPointer(rebasing: payload[1...])
    }
    guard !payload.isEmpty else { return nil }
    return switch channel {
    case 1: .stdout(payload)
    case 2: .stderr(payload)
    case 3: .status(payload)
    default: nil
    }
  }
}
