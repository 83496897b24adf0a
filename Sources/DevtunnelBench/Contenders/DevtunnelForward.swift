import CLinux
import FoundationEssentials

/// `devtunnel forward`, which its daemon keeps until it is stopped.
struct DevtunnelForward: Contender {
  let name = "devtunnel"
  let program: String
  let target: TargetService
  let agent: Int32?

  init(program: String, target: TargetService, agent: Int32?) {
    self.program = program
    self.target = target
    self.agent = agent
  }

  /// The part of `devtunnel forward --output json` that is needed here.
  struct Forward: Decodable {
    struct Port: Decodable { var host: String }
    var id: String
    var ports: [Port]
  }

  private struct Status: Decodable {
    struct Daemon: Decodable { var pid: Int32 }
    var daemon: Daemon?
  }

  func forwarding<Result: Sendable>(_ body: (Endpoints) -> Result) async throws -> Result {
    let started = clinux_monotonic_us()
    let arguments =
      ["forward", "svc/\(target.name)"] + target.ports.map { "0:\($0)" } + target.flags + ["--output", "json"]
    let forward = try Self.decode(Forward.self, try await outputOfProgram(program, arguments))
    let result: Swift.Result<Result, any Error>
    do {
      var endpoints = try Self.endpoints(of: forward)
      endpoints.startedAt = started
      let status = try Self.decode(Status.self, try await outputOfProgram(program, ["status", "--output", "json"]))
      endpoints.clients = status.daemon.map { [$0.pid] } ?? []
      endpoints.agent = agent
      result = .success(body(endpoints))
    } catch {
      result = .failure(error)
    }
    _ = try await outputOfProgram(program, ["forward", "--stop", forward.id])
    return try result.get()
  }

  /// Returns the addresses; the ports come back in the order in which they were asked for.
  static func endpoints(of forward: Forward) throws(BenchError) -> Endpoints {
    let addresses = forward.ports.compactMap { clinux_address(parsing: $0.host) }
    guard addresses.count == 3 else {
      throw BenchError(.program, "devtunnel forward reported other ports than the three asked for")
    }
    return Endpoints(addresses)
  }

  static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws(BenchError) -> Value {
    do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
      throw BenchError(
        .program, "this devtunnel-bench does not know devtunnel's JSON (\(error)); use both of one version")
    }
  }
}
