/// The client's SETTINGS that matter here. A value holds once the origin has acknowledged it.
struct HTTP2ClientSettings {
  /// Values that were sent and not acknowledged; -1 without.
  private struct Sent {
    var window = -1
    var table = -1
  }
  private var sent: [Sent] = []
  /// The first window of streams towards the client that holds, and the last one that it has sent.
  private(set) var window = HTTP2Frame.firstWindow
  private(set) var latestWindow = HTTP2Frame.firstWindow
  private var table = 4096
  private static let mostSent = 256

  /// Takes a SETTINGS frame's payload.
  /// - Returns: an error code if it is wrong.
  mutating func received(_ payload: UnsafeRawBufferPointer) -> UInt32? {
    guard payload.count % 6 == 0 else { return HTTP2Frame.Code.frameSize }
    guard sent.count < Self.mostSent else { return HTTP2Frame.Code.calm }
    var values = Sent()
    var wrong: UInt32?
    HTTP2ClientSettings.each(payload) { identifier, value in
      if identifier == HTTP2Frame.Setting.initialWindow {
        if value > HTTP2Frame.largestWindow { wrong = HTTP2Frame.Code.flowControl }
        values.window = value
      } else if identifier == HTTP2Frame.Setting.headerTableSize {
        values.table = values.table < 0 ? value : min(values.table, value)
      }
    }
    if let wrong { return wrong }
    if values.window >= 0 { latestWindow = values.window }
    sent.append(values)
    return nil
  }

  /// Takes the origin's acknowledgement.
  /// - Parameter owedTable: the table size with which the next header block to the client has to begin; -1 without.
  /// - Returns: the change of the windows of all streams.
  mutating func acknowledged(_ owedTable: inout Int) -> Int {
    guard !sent.isEmpty else { return 0 }
    let values = sent.removeFirst()
    if values.table >= 0 {
      if values.table < table { owedTable = owedTable < 0 ? values.table : min(owedTable, values.table) }
      table = values.table
    }
    guard values.window >= 0 else { return 0 }
    let change = values.window - window
    window = values.window
    return change
  }

  /// Calls with each setting of a payload.
  static func each(_ payload: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
    var rest = payload
    while rest.count >= 6 {
      body(Int(rest[0]) << 8 | Int(rest[1]), Int(rest.number32(2)))
      rest = rest.behind(6)
    }
  }
}
