import CLinux
import Subprocess

/// `kubectl port-forward`, one process for the three ports.
struct KubectlForward: Contender {
  let name = "kubectl"
  let program: String
  let target: TargetService
  /// The time within which its ports must listen, µs.
  private static let patience: UInt64 = 20_000_000

  init(program: String, target: TargetService) {
    self.program = program
    self.target = target
  }

  func forwarding<Result: Sendable>(_ body: (Endpoints) -> Result) async throws -> Result {
    let ports = try freePorts(3)
    let arguments =
      target.flags + ["port-forward", "svc/\(target.name)"] + zip(ports, target.ports).map { "\($0):\($1)" }
    let started = clinux_monotonic_us()
    let run = try await runProgram(program, arguments) { process -> Result? in
      guard await waitUntilListening(ports, process) else { return nil }
      var endpoints = Endpoints(ports.map { .loopback($0) })
      endpoints.clients = [process]
      endpoints.startedAt = started
      return body(endpoints)
    }
    guard let result = run.result else {
      throw BenchError(
        .program, "kubectl port-forward did not listen: \(run.errors.isEmpty ? "it said nothing" : run.errors)")
    }
    return result
  }

  private func waitUntilListening(_ ports: [UInt16], _ process: Int32) async -> Bool {
    let deadline = clinux_monotonic_us() + Self.patience
    while clinux_monotonic_us() < deadline, ProcessTimes(of: process)?.isRunning == true {
      let listening = ports.allSatisfy {
        (try? BlockingSocket(to: .loopback($0), until: clinux_monotonic_us() + 1_000_000)) != nil
      }
      if listening { return true }
      try? await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  /// Returns ports that were free a moment ago: kubectl takes no descriptors.
  private func freePorts(_ count: Int) throws(BenchError) -> [UInt16] {
    var listeners: [Int32] = []
    defer { for fd in listeners { clinux_close(fd) } }
    var ports: [UInt16] = []
    for _ in 0..<count {
      var address = clinux_address.loopback(0)
      let fd = clinux_tcp_listen(&address, 1)
      guard fd >= 0 else { throw BenchError(.connect, "no free port on 127.0.0.1 (errno \(-fd))") }
      listeners.append(fd)
      clinux_local_address(fd, &address)
      ports.append(address.port)
    }
    return ports
  }
}
