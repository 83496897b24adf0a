import ControlAPI
import Testing

extension LabTests {
  /// A port of the host that leads everywhere in a pocket cluster.
  @Suite struct ProxyTests {
    @Test func namesOfTheClusterAreReachedByIt() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          let report = try await alice.connect(ConnectRequest(cluster: lab.cluster)) { _ in }
          let port = try #require(report.address?.split(separator: ":").last.flatMap { UInt16($0) })
          for name in ["web", "web.shop", "web.shop.svc.cluster.local"] {
            #expect(try await HTTPRequest.host(port: port, path: "http://\(name)/") == "hello from the cluster")
          }
          #expect(report.variables?["ALL_PROXY"] == "socks5h://127.0.0.1:\(port)")
          #expect(await alice.status().outbound.first?.clusterConnections == 3)

          try await alice.disconnect(DisconnectRequest())
          await #expect(throws: RequestFailure.self) { try await HTTPRequest.host(port: port, path: "http://web/") }
          let error = await #expect(throws: ControlError.self) { try await alice.disconnect(DisconnectRequest(id: report.id)) }
          #expect(error?.code == .notFound)
        }
        try await lab.expectNoTraces()
      }
    }
  }
}
