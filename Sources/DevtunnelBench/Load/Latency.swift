import CLinux

/// Measures one action after the other, each timed, in milliseconds.
enum Latency {
  private static let limit: UInt64 = 20_000_000

  /// Connects, sends a byte, waits for it to come back, closes.
  static func connects(_ count: Int, to address: clinux_address) throws(BenchError) -> Samples {
    var samples = Samples()
    for _ in 0..<count {
      let start = clinux_monotonic_us()
      let socket = try BlockingSocket(to: address, until: start + limit)
      try socket.exchangeByte(until: start + limit)
      samples.add(microseconds: clinux_monotonic_us() - start)
    }
    return samples
  }

  /// Sends a byte and waits for its return, on one open connection.
  static func roundTrips(_ count: Int, to address: clinux_address) throws(BenchError) -> Samples {
    let socket = try BlockingSocket(to: address, until: clinux_monotonic_us() + limit)
    try socket.exchangeByte(until: clinux_monotonic_us() + limit)
    var samples = Samples()
    for _ in 0..<count {
      let start = clinux_monotonic_us()
      try socket.exchangeByte(until: start + limit)
      samples.add(microseconds: clinux_monotonic_us() - start)
    }
    return samples
  }
}
