/// The messages in a body of gRPC (the protocol's "Length-Prefixed-Message").
enum GRPCFrames {
  /// Returns the whole messages, unpacked; what is behind the last is left out.
  /// - Parameter budget: the bytes that compressed messages may become in all; further ones stay packed.
  static func messages(_ body: [UInt8], budget: Int = 64 << 20) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    var rest = body[...]
    var budget = budget
    while rest.count >= 5 {
      let start = rest.startIndex
      let length = rest[(start + 1)..<(start + 5)].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count - 5 >= length else { break }
      let message = Array(rest[(start + 5)..<(start + 5 + length)])
      let unpacked = rest[start] == 1 && budget > 0 ? Inflate.unpack(message) : nil
      budget -= unpacked?.count ?? 0
      messages.append(unpacked ?? message)
      rest = rest[(start + 5 + length)...]
    }
    return messages
  }

  static func frame(_ message: [UInt8]) -> [UInt8] {
    let count = UInt32(clamping: message.count)
    return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
  }
}
