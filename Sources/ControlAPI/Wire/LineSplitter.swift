/// Cuts a byte stream into lines: each message on the control socket is one line of JSON.
struct LineSplitter {
  /// A request or an answer has some kilobytes; a longer line is not one of ours.
  static let limit = 4 << 20

  let limit: Int
  private var partial: [UInt8] = []

  init(limit: Int = LineSplitter.limit) { self.limit = limit }

  /// Takes received bytes.
  /// - Returns: the lines that `bytes` completes, without their newline; empty lines are left out.
  /// - Throws: `.badInput` for a line over the limit; nothing after it can be trusted.
  mutating func take(_ bytes: [UInt8]) throws(ControlError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      try keep(rest[..<end])
      if !partial.isEmpty { lines.append(partial) }
      partial = []
      rest = rest[(end + 1)...]
    }
    try keep(rest)
    return lines
  }

  private mutating func keep(_ part: ArraySlice<UInt8>) throws(ControlError) {
    guard partial.count + part.count <= limit else {
      throw ControlError(.badInput, "a line on the control socket is longer than \(limit) bytes")
    }
    partial += part
  }
}
