import ControlAPI
import Testing

extension LabTests {
  /// Ports of the host that lead into a pocket cluster.
  @Suite struct ForwardTests {
    @Test func aServiceIsReachedByAPortOfTheHost() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          let request = ForwardRequest(cluster: lab.cluster, target: "web", ports: [.init(host: 0, remote: "http")])
          let report = try await alice.forward(request) { _ in }
          let port = try #require(report.ports.first?.host.split(separator: ":").last.flatMap { UInt16($0) })
          for _ in 0..<5 { #expect(try await HTTPRequest.host(port: port) == "hello from the cluster") }
          #expect(await alice.status().forwards.first?.ports.first?.connections == 5)
          #expect(await alice.status().forwards.first?.context == "devtunnel-lab")

          try await alice.stopForward(StopForwardRequest(id: report.id))
          await #expect(throws: RequestFailure.self) { try await HTTPRequest.host(port: port) }
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func aWrongNameIsToldAtOnce() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          let error = await #expect(throws: ControlError.self) {
            _ = try await alice.forward(
              ForwardRequest(cluster: lab.cluster, target: "web", ports: [.init(host: 0, remote: "grpc")])
            ) { _ in }
          }
          #expect(error?.code == .notFound)
        }
        try await lab.expectNoTraces()
      }
    }
  }
}
