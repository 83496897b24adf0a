import CLinux

/// Where a contender's ends are on this machine.
struct Endpoints: Sendable {
  var echo: clinux_address
  var sink: clinux_address
  var source: clinux_address
  /// Its processes here, for their CPU time.
  var clients: [Int32] = []
  var agent: Int32?
  /// When its start was asked for, µs; nil when it ran before.
  var startedAt: UInt64?

  /// - Parameter addresses: echo, sink, source.
  init(_ addresses: [clinux_address]) {
    echo = addresses[0]
    sink = addresses[1]
    source = addresses[2]
  }
}

/// A way into the cluster.
protocol Contender: Sendable {
  var name: String { get }

  /// Sets the forward up, runs `body`, and takes it down again, whatever `body` does.
  func forwarding<Result: Sendable>(_ body: (Endpoints) -> Result) async throws -> Result
}
