/// Joins the frames of a header block: HEADERS and the CONTINUATION frames behind it.
final class HTTP2HeaderBlock {
  /// The frames as they came, if there are several.
  let frames = RawBytes()
  private let joined = RawBytes()
  private(set) var isOpen = false
  private(set) var stream: UInt32 = 0
  private(set) var isLast = false
  /// A block of frames that take more is refused.
  private static let limit = 160 << 10

  /// The bytes that are kept.
  var size: Int { frames.count + joined.count }

  enum Outcome {
    case more, wrong, tooLong
    case complete(UnsafeRawBufferPointer)
  }

  /// Takes a HEADERS or CONTINUATION frame.
  func take(_ reader: HTTP2FrameReader, _ frame: UnsafeRawBufferPointer) -> Outcome {
    let payload = frame.behind(HTTP2Frame.headerSize)
    let isEnd = reader.has(HTTP2Frame.Flag.endHeaders)
    guard reader.kind == HTTP2Frame.headers else {
      guard isOpen, reader.stream == stream else { return .wrong }
      return add(frame, payload, isEnd)
    }
    guard !isOpen, let fragment = Self.fragment(payload, reader.flags) else { return .wrong }
    stream = reader.stream
    isLast = reader.has(HTTP2Frame.Flag.endStream)
    if isEnd { return .complete(fragment) }
    isOpen = true
    return add(frame, fragment, isEnd)
  }

  func clear() {
    frames.clear()
    joined.clear()
    isOpen = false
  }

  private func add(_ frame: UnsafeRawBufferPointer, _ fragment: UnsafeRawBufferPointer, _ isEnd: Bool) -> Outcome {
    frames.append(frame)
    joined.append(fragment)
    if frames.count > Self.limit { return .tooLong }
    guard isEnd else { return .more }
    isOpen = false
    return .complete(joined.all)
  }

  /// Returns the part of the payload without padding and priority (RFC 9113, section 6.2).
  private static func fragment(_ payload: UnsafeRawBufferPointer, _ flags: UInt8) -> UnsafeRawBufferPointer? {
    var rest = payload
    var padding = 0
    if flags & HTTP2Frame.Flag.padded != 0 {
      guard let first = rest.first else { return nil }
      padding = Int(first)
      rest = rest.behind(1)
    }
    if flags & HTTP2Frame.Flag.priority != 0 {
      guard rest.count >= 5 else { return nil }
      rest = rest.behind(5)
    }
    return padding <= rest.count ? rest.first(rest.count - padding) : nil
  }
}
