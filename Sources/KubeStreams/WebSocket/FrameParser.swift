/// The client's receiving half of RFC 6455: bytes in, parts of messages out; no I/O, only control frames are copied.
struct FrameParser {
  enum Event {
    /// A text or binary message begins; its payload follows in any number of pieces.
    case began
    case payload(UnsafeRawBufferPointer)
    case ended
    /// A ping, to be answered with a pong of the same payload (section 5.5.2).
    case ping([UInt8])
    /// The peer closes (section 5.5.1); the code is nil if it gave none.
    case close(UInt16?, reason: String)
    case malformed
  }

  private enum State {
    case head
    case payload
    case control(opcode: UInt8)
    /// A message's last frame is complete.
    case ended
    case closed
  }

  private var state = State.head
  private var head: [UInt8] = []
  private var left = 0
  private var isFinal = false
  private var inMessage = false
  private var control: [UInt8] = []

  init() { head.reserveCapacity(14) }

  /// Takes bytes from the front until they form an event; nil when all are taken.
  mutating func next(_ input: inout UnsafeRawBufferPointer) -> Event? {
    while true {
      switch state {
      case .closed:
        return nil
      case .ended:
        state = .head
        inMessage = false
        return .ended
      case .head:
        guard takeHead(&input) else { return nil }
        if let event = begin() { return event }
      case .payload:
        if left == 0 {
          state = isFinal ? .ended : .head
          continue
        }
        guard !input.isEmpty else { return nil }
        let count = min(left, input.count)
        let piece = UnsafeRawBufferPointer(rebasing: input[..<count])
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        left -= count
        return .payload(piece)
      case .control(let opcode):
        let count = min(left, input.count)
        control.append(contentsOf: input[..<count])
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        left -= count
        guard left == 0 else { return nil }
        state = .head
        if let event = end(opcode) { return event }
      }
    }
  }

  /// Gathers 2 to 10 bytes: flags and opcode, length, extended length (section 5.2).
  private mutating func takeHead(_ input: inout UnsafeRawBufferPointer) -> Bool {
    while true {
      if head.count >= 2 {
        let short = head[1] & 0x7f
        let size = short == 126 ? 4 : short == 127 ? 10 : 2
        if head.count == size { return true }
      }
      guard let byte = input.first else { return false }
      head.append(byte)
      input = UnsafeRawBufferPointer(rebasing: input[1...])
    }
  }

  private mutating func begin() -> Event? {
    let first = head[0]
    let second = head[1]
    let length = second & 0x7f < 126 ? UInt64(second & 0x7f) : head[2...].reduce(0) { $0 << 8 | UInt64($1) }
    head.removeAll(keepingCapacity: true)
    let opcode = first & 0x0f
    // No extension was negotiated, a server does not mask (section 5.1), control frames are short and
    // whole (section 5.5).
    guard first & 0x70 == 0, second & 0x80 == 0, length < 1 << 40 else { return malformed() }
    left = Int(length)
    isFinal = first & 0x80 != 0
    switch opcode {
    case 0 where inMessage:
      state = .payload
      return nil
    case 1 where !inMessage, 2 where !inMessage:
      inMessage = true
      state = .payload
      return .began
    case 8 where isFinal && left < 126, 9 where isFinal && left < 126, 10 where isFinal && left < 126:
      control.removeAll(keepingCapacity: true)
      state = .control(opcode: opcode)
      return nil
    default:
      return malformed()
    }
  }

  private mutating func end(_ opcode: UInt8) -> Event? {
    switch opcode {
    case 9: return .ping(control)
    case 8:
      state = .closed
      let code = control.count >= 2 ? UInt16(control[0]) << 8 | UInt16(control[1]) : nil
      return .close(code, reason: String(decoding: control.dropFirst(2), as: UTF8.self))
    default: return nil
    }
  }

  private mutating func malformed() -> Event {
    state = .closed
    return .malformed
  }
}
