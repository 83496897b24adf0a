import CLinux

/// Measures one stream at full speed.
enum Throughput {
  struct Flow {
    /// All bytes, including those before the count began.
    var bytes: Int
    /// In units of 10^6 bytes.
    var megabytesPerSecond: Double
  }

  /// The time in which windows and buffers fill, µs; it is not counted.
  private static let warmUp: UInt64 = 500_000
  private static let bufferSize = 256 << 10

  static func send(to address: clinux_address, seconds: Double) throws(BenchError) -> Flow {
    try run(address, seconds: seconds) { (socket, buffer, deadline) throws(BenchError) in
      try socket.send(UnsafeRawBufferPointer(buffer), until: deadline)
    }
  }

  static func receive(from address: clinux_address, seconds: Double) throws(BenchError) -> Flow {
    try run(address, seconds: seconds) { (socket, buffer, deadline) throws(BenchError) in
      try socket.receive(buffer, until: deadline)
    }
  }

  private static func run(
    _ address: clinux_address, seconds: Double,
    _ step: (BlockingSocket, UnsafeMutableRawBufferPointer, UInt64) throws(BenchError) -> Int
  ) throws(BenchError) -> Flow {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 4096)
    buffer.initializeMemory(as: UInt8.self, repeating: 0x5a)
    defer { buffer.deallocate() }
    let start = clinux_monotonic_us()
    let end = start + warmUp + UInt64(seconds * 1e6)
    let socket = try BlockingSocket(to: address, until: start + 20_000_000)
    var bytes = 0
    var counted: (bytes: Int, at: UInt64)?
    var now = start
    while now < end {
      bytes += try step(socket, buffer, end + 10_000_000)
      now = clinux_monotonic_us()
      if counted == nil, now >= start + warmUp { counted = (bytes, now) }
    }
    guard let counted, bytes > counted.bytes else { throw BenchError(.stalled, "the stream did not flow") }
    return Flow(bytes: bytes, megabytesPerSecond: Double(bytes - counted.bytes) / Double(now - counted.at))
  }
}
