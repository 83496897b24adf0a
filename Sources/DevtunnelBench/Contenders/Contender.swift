import CLinux

/// The addresses of a contender's ends on this machine.
struct Endpoints: Sendable {
  var echo: clinux_address
  var sink: clinux_address
  var source: clinux_address
  /// Its processes here, for their CPU time.
  var clients: [Int32] = []
  var agent: Int32?
  /// The time when its start was asked for, µs; nil if it was running before.
  var startedAt: UInt64?

  /// - Parameter addresses: echo, sink, source.
  init(_ addresses: [clinux_address]) {
    echo = addresses[0]
    sink = addresses[1]
    source = addresses[2]
  }
}

/// A route into the cluster.
protocol Contender: Sendable {
  var name: String { get }

  /// Sets the forward up, runs `body`, and takes the forward down again, even if `body` fails.
  func forwarding<Result: Sendable>(_ body: (Endpoints) -> Result) async throws -> Result
}
