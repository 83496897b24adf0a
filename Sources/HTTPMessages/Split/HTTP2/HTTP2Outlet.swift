/// The frames that go to one side: those that another side sent, as they came, and ours between them.
final class HTTP2Outlet {
  private unowned(unsafe) let driver: SplitDriver
  private let side: SplitSide
  /// The bytes that the splitter was called with: they need no copy until the call returns.
  var input = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Passed bytes of the input that lie behind one another.
  private var run = UnsafeRawBufferPointer(start: nil, count: 0)
  private let buffer = RawBytes()
  /// Our frames that wait for the end of another one.
  private let held = RawBytes()
  /// True within a passed frame or a passed header block, whose frames follow each other (RFC 9113, section 6.10).
  private(set) var isWithin = false
  private static let worthNoCopy = 4096
  /// The table size with which the next header block has to begin; -1 without.
  var owedTable = -1

  init(driver: SplitDriver, side: SplitSide) {
    self.driver = driver
    self.side = side
  }

  /// Bytes of our frames that wait for the end of another one.
  var heldBytes: Int { held.count }

  /// The place of our next frame. It is valid until other bytes are passed.
  var frames: RawBytes {
    if isWithin { return held }
    endRun()
    if buffer.count >= HTTP2Frame.size { sendBuffer() }
    return buffer
  }

  /// Writes a DATA frame of at most `HTTP2Frame.size` bytes.
  func data(_ bytes: UnsafeRawBufferPointer, flags: UInt8, stream: UInt32) {
    let frames = frames
    frames.frame(HTTP2Frame.data, flags: flags, stream: stream, length: bytes.count)
    if isWithin || bytes.count < Self.worthNoCopy { return frames.append(bytes) }
    sendBuffer()
    driver.send(bytes, to: side)
  }

  /// Writes a header block that uses no table.
  func block(_ fields: UnsafeRawBufferPointer, flags: UInt8, stream: UInt32) {
    frames.headerBlock(fields, flags: flags, stream: stream, owedTable: &owedTable)
  }

  /// Passes bytes of a frame as they came.
  func pass(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    if let end = run.baseAddress, end + run.count == start {
      run = UnsafeRawBufferPointer(start: end, count: run.count + bytes.count)
      return
    }
    endRun()
    if let first = input.baseAddress, start >= first, start < first + input.count {
      run = bytes
    } else if bytes.count < Self.worthNoCopy {
      buffer.append(bytes)
    } else {
      sendBuffer()
      driver.send(bytes, to: side)
    }
  }

  /// Says whether our frames have to wait behind what was passed last.
  func within(_ isWithin: Bool) {
    self.isWithin = isWithin
    guard !isWithin, !held.isEmpty else { return }
    endRun()
    buffer.append(held.all)
    held.clear()
  }

  func flush() {
    endRun()
    sendBuffer()
    input = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private func endRun() {
    guard run.count > 0 else { return }
    if run.count < Self.worthNoCopy {
      buffer.append(run)
    } else {
      sendBuffer()
      driver.send(run, to: side)
    }
    run = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private func sendBuffer() {
    guard !buffer.isEmpty else { return }
    driver.send(buffer.all, to: side)
    buffer.clear()
  }
}
