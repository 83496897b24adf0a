/// Cuts a log with timestamps into lines, and leaves out what was there before: a log that is opened again begins at a full second. No I/O.
struct LogText {
  /// The time of the newest line so far, and how many lines bear it. Times have a fixed width, so that texts sort as times do.
  private(set) var lastTime: String
  private var countAtLast = 0
  /// Lines of `lastTime` seen since the log was opened again.
  private var repeated = 0
  private var partial: [UInt8] = []
  /// The time of a line that is cut into pieces.
  private var pieceTime: String?

  static let limit = 64 << 10

  /// - Parameter since: RFC 3339 in UTC; whatever is older is left out.
  init(since: String) { lastTime = since }

  /// The log is opened (again), from `lastTime` on.
  mutating func reopen() {
    partial = []
    pieceTime = nil
    repeated = 0
  }

  /// - Returns: time and text of the lines that are complete and new.
  mutating func read(_ bytes: [UInt8]) -> [(time: String, text: String)] {
    var lines: [(String, String)] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 10) {
      partial += rest[..<end]
      rest = rest[(end + 1)...]
      take(&lines)
      pieceTime = nil
    }
    partial += rest
    while partial.count > Self.limit {
      let tail = Array(partial[Self.limit...])
      partial.removeSubrange(Self.limit...)
      take(&lines)
      partial = tail
    }
    return lines
  }

  /// What is left when the log ends without a line break.
  mutating func finish() -> [(time: String, text: String)] {
    var lines: [(String, String)] = []
    if !partial.isEmpty { take(&lines) }
    pieceTime = nil
    return lines
  }

  private mutating func take(_ lines: inout [(String, String)]) {
    defer { partial.removeAll(keepingCapacity: true) }
    if let time = pieceTime {
      lines.append((time, String(decoding: partial, as: UTF8.self)))
      return
    }
    guard let space = partial.firstIndex(of: 32) else { return }
    let time = String(decoding: partial[..<space], as: UTF8.self)
    guard isNew(time) else {
      // The pieces of an old line are old.
      return
    }
    pieceTime = time
    var text = partial[(space + 1)...]
    if text.last == 13 { text.removeLast() }
    lines.append((time, String(decoding: text, as: UTF8.self)))
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
