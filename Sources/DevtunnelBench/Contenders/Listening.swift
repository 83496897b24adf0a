import ArgumentParser
import CLinux

/// Addresses of another program that the user has started.
struct Listening: Contender {
  let name = "own"
  let addresses: [clinux_address]
  var process: Int32?

  /// Parses `HOST:PORT,HOST:PORT,HOST:PORT`: echo, sink, source.
  init(parsing text: String) throws {
    addresses = text.split(separator: ",").compactMap { clinux_address(parsing: String($0)) }
    guard addresses.count == 3 else {
      throw ValidationError("--own takes three addresses: 127.0.0.1:7000,127.0.0.1:7001,127.0.0.1:7002")
    }
  }

  func forwarding<Result: Sendable>(_ body: (Endpoints) -> Result) async throws -> Result {
    var endpoints = Endpoints(addresses)
    endpoints.clients = process.map { [$0] } ?? []
    return body(endpoints)
  }
}
