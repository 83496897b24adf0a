import ControlAPI
import Foundation
import Operations
import Testing

extension LabTests {
  /// People who get copies of a Service's requests, and nobody who waits for them.
  @Suite struct MirrorTests {
    private static let fromOrigin = "hello from the cluster"
    private static let alices = "X-DevTunnel: alice"

    private func request(_ lab: Lab, _ server: HostServer, _ rules: String...) -> InterceptRequest {
      var request = lab.intercept(server.port)
      request.rules = RequestRules(texts: rules)
      return request
    }

    /// Waits until a host has got a copy of a request with a query.
    private func expect(_ query: String, at server: HostServer) async throws {
      let deadline = ContinuousClock.now + .seconds(10)
      func found() -> Bool { server.heads.contains { $0.hasPrefix("GET /?\(query) ") } }
      while !found(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
      #expect(found(), "\(query) did not come")
    }

    @Test("Copies of requests that match arrive here; the Service's own Pods answer all the while")
    func rules() async throws {
      try await Lab.run { lab in
        let server = try HostServer("never seen")
        try await lab.developer("alice@host") { alice in
          let load = try await lab.requester("web", header: "X-DevTunnel: carol")
          let outcome = try await Load.run(load) {
            let made = try await alice.intercept(request(lab, server, "copy *\nheader x-devtunnel=alice")) { _ in }
            #expect(made.state == .active && made.rules?.isMirror == true)
            for number in 1...5 {
              try await lab.expect(Self.fromOrigin, path: "/?copy=\(number)", header: Self.alices)
              try await expect("copy=\(number)", at: server)
            }
            try await lab.expect(Self.fromOrigin, path: "/?other")
            let port = await alice.status().intercepts.first?.ports.first
            #expect(port?.copies == UInt64(server.heads.count) && port?.lostCopies == 0 && port?.toHost == 0)
            let listed = try await alice.list(lab.cluster, allNamespaces: false).first { $0.service == "web" }
            #expect(listed?.interceptedBy?.contains("copies of requests with header x-devtunnel: alice") == true)
            // The process ends: its copies are lost, and nothing else.
            server.stop()
            try await lab.expect(Self.fromOrigin, path: "/?lost", header: Self.alices)
            _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
            try await lab.expect(Self.fromOrigin, header: Self.alices)
            try await lab.expectNoTraces()
          }
          #expect(outcome.failures.isEmpty, "\(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
          #expect(Set(outcome.answers.keys) == [Self.fromOrigin])
          #expect(!server.heads.contains { $0.contains("?other") || $0.contains("carol") })
        }
      }
    }

    @Test("Several mirrors, of all and of some, beside one who has the whole Service")
    func several() async throws {
      try await Lab.run { lab in
        let (whole, first, second) = (try HostServer("hello from bob"), try HostServer("no"), try HostServer("no"))
        try await lab.developer("bob@desk") { bob in
          try await lab.developer("alice@host") { alice in
            try await lab.developer("carol@tower") { carol in
              _ = try await bob.intercept(lab.intercept(whole.port)) { _ in }
              _ = try await alice.intercept(request(lab, first, "copy *")) { _ in }
              _ = try await carol.intercept(request(lab, second, "copy *\nquery some")) { _ in }
              try await lab.expect("hello from bob", path: "/?all")
              try await lab.expect("hello from bob", path: "/?some=1")
              try await expect("all", at: first)
              try await expect("some=1", at: first)
              try await expect("some=1", at: second)
              #expect(!second.heads.contains { $0.contains("?all") })
              let explained = try await carol.explain(
                ExplainRequest(lab.intercept(1), method: "GET", target: "/?some=2", headers: []))
              #expect(explained.ports.first?.takers.map(\.holder) == ["bob@desk"])
              #expect(explained.ports.first?.copies?.map(\.holder) == ["alice@host", "carol@tower"])

              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(Self.fromOrigin, path: "/?some=3")
              try await expect("some=3", at: first)
              try await expect("some=3", at: second)
              _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(Self.fromOrigin, path: "/?some=4")
              try await expect("some=4", at: second)
              #expect(!first.heads.contains { $0.contains("some=4") })
              _ = try await carol.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expectNoTraces()
            }
          }
        }
      }
    }
  }
}
