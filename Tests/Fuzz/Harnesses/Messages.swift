import TunnelProtocol

// Messages of a fixed length: a decoded one is written as it was read.

extension Harness {
  static let hello = Harness(name: "hello", maximumLength: 256, dictionary: ["DTNL", "\u{0}\u{1}"]) { bytes in
    var input = bytes + [UInt8](repeating: 0, count: Hello.size)
    try input.withUnsafeMutableBytes { raw throws in
      let start = UnsafeRawPointer(raw.baseAddress!)
      if let hello = Hello(reading: start) {
        try same(start, Hello.size, skipping: 6..<8) { hello.write(to: $0) }
        try promise(Hello.tokensMatch(hello.token, hello.token), "a token does not match itself")
        var other = hello.token
        other[bytes.count % Hello.tokenSize] ^= 1
        try promise(!Hello.tokensMatch(hello.token, other), "another token matches")
      }
      if let reply = HelloReply(reading: start), reply.version == Hello.version {
        try same(start, HelloReply.size) { reply.write(to: $0) }
      }
      if let message = ControlMessage(reading: start) { try same(start, ControlMessage.size) { message.write(to: $0) } }
      if let header = FrameHeader(reading: start) { try same(start, FrameHeader.size) { header.write(to: $0) } }
      if let head = FileEntryHead(reading: start) { try same(start, FileEntryHead.size) { head.write(to: $0) } }
    }
  }

  static let preamble = Harness(name: "preamble", maximumLength: 300) { bytes in
    try bytes.withUnsafeBytes { raw throws in
      guard raw.count >= Preamble.headSize, let start = raw.baseAddress, raw.count >= Preamble.size(reading: start)
      else { return }
      guard let preamble = Preamble(reading: start) else { return }
      try promise(preamble.size == Preamble.size(reading: start), "two sizes")
      try same(start, preamble.size) { preamble.write(to: $0) }
    }
  }

  private static func same(
    _ bytes: UnsafeRawPointer, _ count: Int, skipping: Range<Int> = 0..<0, _ write: (UnsafeMutableRawPointer) -> Void
  ) throws {
    var out = [UInt8](repeating: 0, count: count)
    out.withUnsafeMutableBytes { write($0.baseAddress!) }
    for index in 0..<count where !skipping.contains(index) {
      try promise(out[index] == bytes.loadByte(index), "byte \(index) of \(count) was written otherwise")
    }
  }
}
