/// Reads the frames of one direction: whole ones of the kinds that are looked at, all others piece by piece.
final class HTTP2FrameReader {
  /// Of the frame whose header came last.
  private(set) var length = 0
  private(set) var kind: UInt8 = 0
  private(set) var flags: UInt8 = 0
  private(set) var stream: UInt32 = 0
  /// Bytes of a payload in pieces that are still to come.
  private(set) var left = 0
  /// The longest payload of a frame that is collected.
  var maximum = HTTP2Frame.size

  /// Bit n is set if frames of kind n are read whole.
  private let collected: UInt32
  /// The beginning of a frame whose end has not come.
  private let partial = RawBytes()
  /// True if the bytes in `partial` were handed out.
  private var isSpent = false

  /// Bytes are valid until the next call. Frames and headers are as they came, header included.
  enum Event {
    case more
    case frame(UnsafeRawBufferPointer)
    case header(UnsafeRawBufferPointer)
    case piece(UnsafeRawBufferPointer)
    case tooLong
  }

  init(collected: UInt32) { self.collected = collected }

  func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

  /// The beginning of a frame that came and was not handed out.
  var rest: UnsafeRawBufferPointer { isSpent ? partial.part(0, 0) : partial.all }

  /// Takes bytes up to the end of a frame, a header, a piece or the input.
  func next(_ input: inout UnsafeRawBufferPointer) -> Event {
    if isSpent {
      partial.clear()
      isSpent = false
    }
    if left > 0 {
      let piece = input.first(left)
      left -= piece.count
      input = input.behind(piece.count)
      return piece.isEmpty ? .more : .piece(piece)
    }
    if !partial.isEmpty { return collect(&input) }
    guard input.count >= HTTP2Frame.headerSize else {
      partial.append(input)
      input = input.behind(input.count)
      return .more
    }
    read(input)
    if !isCollected {
      let header = input.first(HTTP2Frame.headerSize)
      input = input.behind(HTTP2Frame.headerSize)
      left = length
      return .header(header)
    }
    let total = HTTP2Frame.headerSize + length
    if length <= maximum, input.count >= total {
      let frame = input.first(total)
      input = input.behind(total)
      return .frame(frame)
    }
    return collect(&input)
  }

  private var isCollected: Bool { kind < 32 && collected >> UInt32(kind) & 1 != 0 }

  private func read(_ header: UnsafeRawBufferPointer) {
    let word = header.number32(0)
    length = Int(word >> 8)
    kind = UInt8(truncatingIfNeeded: word)
    flags = header[4]
    stream = header.number32(5) & HTTP2Frame.lastStream
  }

  @inline(never) private func collect(_ input: inout UnsafeRawBufferPointer) -> Event {
    if partial.count < HTTP2Frame.headerSize {
      take(HTTP2Frame.headerSize, &input)
      guard partial.count == HTTP2Frame.headerSize else { return .more }
      read(partial.all)
      if !isCollected {
        left = length
        isSpent = true
        return .header(partial.all)
      }
    }
    if length > maximum { return .tooLong }
    take(HTTP2Frame.headerSize + length, &input)
    guard partial.count == HTTP2Frame.headerSize + length else { return .more }
    isSpent = true
    return .frame(partial.all)
  }

  private func take(_ count: Int, _ input: inout UnsafeRawBufferPointer) {
    let piece = input.first(count - partial.count)
    partial.append(piece)
    input = input.behind(piece.count)
  }
}
