/// Cuts a log with timestamps into lines, and leaves out earlier lines: a reopened log begins at a full second. No I/O.
struct LogText {
  /// The time of the newest line so far, and the number of lines with it. Times have a fixed width, so
  /// texts sort as times do.
  private(set) var lastTime: String
  private var countAtLast = 0
  /// Lines of `lastTime` seen since the log was reopened.
  private var repeated = 0
  private var partial: [UInt8] = []
  /// The time of a line that is cut into pieces, and whether it is new.
  private var line: (time: String, isNew: Bool)?

  static let limit = 64 << 10

  /// - Parameter since: RFC 3339 in UTC; older lines are left out.
  init(since: String) { lastTime = since }

  /// Notes that the log is opened (again), from `lastTime` on.
  mutating func reopen() {
    partial = []
    line = nil
    repeated = 0
  }

  /// - Returns: time and text of the lines that are complete and new.
  mutating func read(_ bytes: [UInt8]) -> [(time: String, text: String)] {
    var lines: [(String, String)] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 10) {
      partial += rest[..<end]
      rest = rest[(end + 1)...]
      cut(&lines)
      if partial.last == 13 { partial.removeLast() }
      take(partial[...], &lines)
      partial.removeAll(keepingCapacity: true)
      line = nil
    }
    partial += rest
    cut(&lines)
    return lines
  }

  /// Returns the rest of a log that ends without a line break.
  mutating func finish() -> [(time: String, text: String)] {
    var lines: [(String, String)] = []
    if !partial.isEmpty { take(partial[...], &lines) }
    reopen()
    return lines
  }

  /// Takes pieces off a line that is too long to wait for its end.
  private mutating func cut(_ lines: inout [(String, String)]) {
    while partial.count > Self.limit {
      take(partial[..<Self.limit], &lines)
      partial.removeSubrange(..<Self.limit)
    }
  }

  /// Takes a line, or the next piece of one.
  private mutating func take(_ bytes: ArraySlice<UInt8>, _ lines: inout [(String, String)]) {
    var text = bytes
    if line == nil {
      guard let space = bytes.firstIndex(of: 32) else { return }
      let time = String(decoding: bytes[..<space], as: UTF8.self)
      line = (time, isNew(time))
      text = bytes[(space + 1)...]
    }
    if let line, line.isNew { lines.append((line.time, String(decoding: text, as: UTF8.self))) }
  }

  private mutating func isNew(_ time: String) -> Bool {
    if time < lastTime { return false }
    if time == lastTime {
      repeated += 1
      if repeated <= countAtLast { return false }
      countAtLast = repeated
      return true
    }
    lastTime = time
    countAtLast = 1
    repeated = 1
    return true
  }
}
