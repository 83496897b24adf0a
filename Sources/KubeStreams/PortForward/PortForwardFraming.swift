/// The form of one port-forward connection in WebSocket messages.
protocol PortForwardFraming {
  /// Bytes that `prefix` writes before the payload.
  var prefixSize: Int { get }
  /// Messages to send before any payload.
  var prologue: [[UInt8]] { get }
  /// Writes the prefix of a message with `count` bytes of payload, right before `payload`.
  mutating func prefix(_ payload: UnsafeMutableRawPointer, count: Int)
  mutating func messageBegan()
  /// Takes bytes of messages; nil when all are taken.
  mutating func next(_ input: inout UnsafeRawBufferPointer) -> PortForwardEvent?
}

enum PortForwardEvent {
  /// Bytes from the Pod.
  case payload(UnsafeRawBufferPointer)
  /// The server's message about the Pod's port, mostly that it refused.
  case error(String)
  /// A message to send.
  case answer([UInt8])
  /// The Pod's side has ended.
  case ended
}

/// `v4.channel.k8s.io`: the first byte of every message is a channel, for one port 0 for data and 1 for errors. The
/// server's first message on either is the port.
struct V4Framing: PortForwardFraming {
  static let name = "v4.channel.k8s.io"

  private var channel: UInt8?
  private var portBytesLeft: [Int] = [2, 2]

  var prefixSize: Int { 1 }
  var prologue: [[UInt8]] { [] }

  mutating func prefix(_ payload: UnsafeMutableRawPointer, count: Int) {
    (payload - 1).storeBytes(of: 0, as: UInt8.self)
  }

  mutating func messageBegan() { channel = nil }

  mutating func next(_ input: inout UnsafeRawBufferPointer) -> PortForwardEvent? {
    while let first = input.first {
      guard let channel else {
        self.channel = first
        input = UnsafeRawBufferPointer(rebasing: input[1...])
        continue
      }
      guard channel < 2 else {
        input = UnsafeRawBufferPointer(rebasing: input[input.count...])
        continue
      }
      let skipped = min(portBytesLeft[Int(channel)], input.count)
      if skipped > 0 {
        portBytesLeft[Int(channel)] -= skipped
        input = UnsafeRawBufferPointer(rebasing: input[skipped...])
        continue
      }
      let bytes = input
      input = UnsafeRawBufferPointer(rebasing: input[input.count...])
      return channel == 0 ? .payload(bytes) : .error(String(decoding: bytes, as: UTF8.self))
    }
    return nil
  }
}
