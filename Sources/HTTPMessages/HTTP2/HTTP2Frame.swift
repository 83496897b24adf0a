/// Numbers of RFC 9113: kinds of frames (section 6), flags, settings (section 6.5.2) and error codes (section 7).
public enum HTTP2Frame {
  static let headerSize = 9
  /// The payload that each side takes (section 4.2). No frame written here is larger.
  static let size = 16384
  public static let data: UInt8 = 0
  public static let headers: UInt8 = 1
  static let priority: UInt8 = 2
  public static let reset: UInt8 = 3
  public static let settings: UInt8 = 4
  public static let pushPromise: UInt8 = 5
  static let ping: UInt8 = 6
  public static let goAway: UInt8 = 7
  static let windowUpdate: UInt8 = 8
  public static let continuation: UInt8 = 9

  public enum Flag {
    public static let endStream: UInt8 = 1
    static let ack: UInt8 = 1
    public static let endHeaders: UInt8 = 4
    static let padded: UInt8 = 8
    static let priority: UInt8 = 0x20
  }

  enum Setting {
    static let headerTableSize = 1
    static let enablePush = 2
    static let maximumStreams = 3
    static let initialWindow = 4
    static let maximumFrame = 5
  }

  enum Code {
    static let none: UInt32 = 0
    static let protocolError: UInt32 = 1
    static let internalError: UInt32 = 2
    static let flowControl: UInt32 = 3
    static let frameSize: UInt32 = 6
    static let refused: UInt32 = 7
    static let cancel: UInt32 = 8
    static let compression: UInt32 = 9
    static let calm: UInt32 = 11
  }

  static let lastStream: UInt32 = 0x7fff_ffff
  static let firstWindow = 65535
  static let largestWindow = 0x7fff_ffff
  /// The first bytes of every client (section 3.4).
  public static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
}

extension RawBytes {
  /// Writes a frame's header.
  func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32, length: Int) {
    let header = room(HTTP2Frame.headerSize)
    header.storeBytes(of: (UInt32(truncatingIfNeeded: length) << 8 | UInt32(kind)).bigEndian, as: UInt32.self)
    header.storeBytes(of: flags, toByteOffset: 4, as: UInt8.self)
    for index in 0..<4 {
      header.storeBytes(
        of: UInt8(truncatingIfNeeded: stream >> (24 - 8 * UInt32(index))), toByteOffset: 5 + index, as: UInt8.self)
    }
    added(HTTP2Frame.headerSize)
  }

  /// Writes a frame of one number: RST_STREAM, WINDOW_UPDATE.
  func frame(_ kind: UInt8, stream: UInt32, number: UInt32) {
    frame(kind, stream: stream, length: 4)
    append32(number)
  }

  func goAway(_ last: UInt32, _ code: UInt32) {
    frame(HTTP2Frame.goAway, stream: 0, length: 8)
    append32(last)
    append32(code)
  }

  /// Writes the answer to a PING with this payload.
  func pingAnswer(_ payload: UnsafeRawBufferPointer) {
    frame(HTTP2Frame.ping, flags: HTTP2Frame.Flag.ack, stream: 0, length: 8)
    append(payload)
  }

  func setting(_ identifier: Int, _ value: Int) {
    append(0)
    append(UInt8(truncatingIfNeeded: identifier))
    append32(UInt32(truncatingIfNeeded: value))
  }

  /// Writes a header block that uses no table.
  /// - Parameter owedTable: the size with which it has to begin (RFC 7541, section 4.2), or -1, which it becomes.
  func headerBlock(_ block: UnsafeRawBufferPointer, flags: UInt8, stream: UInt32, owedTable: inout Int) {
    guard owedTable >= 0 else { return headerBlock(block, flags: flags, stream: stream) }
    let whole = RawBytes()
    HPACKEncoder.tableSize(owedTable, into: whole)
    owedTable = -1
    whole.append(block)
    headerBlock(whole.all, flags: flags, stream: stream)
  }

  /// Writes a header block as HEADERS and, if it is long, CONTINUATION.
  func headerBlock(_ block: UnsafeRawBufferPointer, flags: UInt8, stream: UInt32) {
    var rest = block
    var kind = HTTP2Frame.headers
    var flags = flags
    repeat {
      let piece = rest.first(HTTP2Frame.size)
      rest = rest.behind(piece.count)
      if rest.isEmpty { flags |= HTTP2Frame.Flag.endHeaders }
      frame(kind, flags: flags, stream: stream, length: piece.count)
      append(piece)
      kind = HTTP2Frame.continuation
      flags = 0
    } while !rest.isEmpty
  }
}
