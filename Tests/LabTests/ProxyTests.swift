import ControlAPI
import Operations
import Testing

extension LabTests {
  /// A port of the host from which everything in a pocket cluster can be reached.
  @Suite(.sharedLab { [try await $0.loadStreet()] }) struct ProxyTests {
    @Test func namesOfTheClusterAreReachedByIt() async throws {
      let lab = try SharedLab.lab
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
        let error = await #expect(throws: ControlError.self) {
          try await alice.disconnect(DisconnectRequest(id: report.id))
        }
        #expect(error?.code == .notFound)
      }
      try await lab.expectNoTraces()
    }

    /// SOCKS with names and with addresses, and CONNECT, as curl speaks them.
    @Test(arguments: [["--socks5-hostname"], ["--socks4a"], ["--proxytunnel", "--proxy"]])
    func programsReachServicesByIt(options: [String]) async throws {
      let lab = try SharedLab.lab
      let web = try await lab.address(ofService: "web")
      try await withProxy(lab) { alice, proxy in
        for host in ["web", "web.shop.svc.cluster.local", web] {
          let page = try await curl(options + [proxy, "http://\(host)/"])
          #expect(page == "hello from the cluster\n", "\(host)")
        }
        await #expect(throws: RequestFailure.self) { try await curl(options + [proxy, "http://nobody/"]) }
        #expect(await alice.status().outbound.first?.lastProblem?.contains("no such name") == true)
      }
    }

    /// A headless Service with a dead Pod: the address that does not answer is passed over, by the daemon for short
    /// names and by the agent for full ones.
    @Test(arguments: ["half", "half.shop.svc.cluster.local"])
    func anAddressAtWhichNobodyIsIsPassedOver(name: String) async throws {
      let lab = try SharedLab.lab
      try await withProxy(lab) { alice, proxy in
        // The order is chance's.
        for _ in 0..<4 {
          let page = try await curl(["--socks5-hostname", proxy, "http://\(name):8080/"])
          #expect(page == "hello from the cluster\n")
        }
        #expect(await alice.status().outbound.first?.refused == 0)
      }
    }

    private func withProxy(_ lab: Lab, _ test: (ClusterOperations, String) async throws -> Void) async throws {
      try await lab.developer("alice@host") { alice in
        let report = try await alice.connect(ConnectRequest(cluster: lab.cluster)) { _ in }
        try await test(alice, try #require(report.address))
      }
    }

    private func curl(_ words: [String]) async throws -> String {
      try await command(["curl", "--silent", "--show-error", "--max-time", "15", "--noproxy", ""] + words)
    }
  }
}
