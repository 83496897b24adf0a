import ControlAPI
import Foundation
import KubeObjects
import Operations
import Testing

extension LabTests {
  /// People who take some of one Service's requests each.
  @Suite struct PersonalTests {
    private static let fromOrigin = "hello from the cluster"
    private static let alices = "X-DevTunnel: alice", bobs = "baggage: trace=1,devtunnel=bob;ttl=1"

    private static func rules(_ name: String) -> RequestRules? {
      RequestRules(texts: ["header x-devtunnel=\(name)", "baggage devtunnel=\(name)"])
    }

    private struct Person {
      var name: String
      var server: HostServer
      var text: String { "hello from \(name)" }

      init(_ name: String) throws {
        self.name = name
        server = try HostServer("hello from \(name)")
      }

      func request(_ lab: Lab, _ rules: RequestRules?) -> InterceptRequest {
        var request = lab.intercept(server.port)
        request.rules = rules
        return request
      }
    }

    /// Runs requests that nobody's rule means all the while: they go to `answers` and nowhere else.
    private func during(
      _ lab: Lab, others answers: Set<String> = [fromOrigin], _ work: () async throws -> Void
    ) async throws {
      let outcome = try await Load.run(try await lab.requester("web", header: "X-DevTunnel: carol"), during: work)
      #expect(outcome.failures.isEmpty, "\(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
      #expect(Set(outcome.answers.keys).isSubset(of: answers), "\(outcome.answers)")
    }

    @Test("Two people have their own requests, and a third person's are untouched; each leaves alone")
    func two() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await during(lab) {
              let made = try await alice.intercept(first.request(lab, Self.rules("alice"))) { _ in }
              #expect(made.state == .active && made.rules == Self.rules("alice"))
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(Self.fromOrigin, header: Self.bobs)
              let report = try await bob.intercept(second.request(lab, Self.rules("bob"))) { _ in }
              #expect(report.others == [.init(holder: "alice@host", services: ["web"], rules: Self.rules("alice"))])
              try await lab.expect(second.text, header: Self.bobs)
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(Self.fromOrigin)
              let listed = try await bob.list(lab.cluster, allNamespaces: false).first { $0.service == "web" }
              #expect(listed?.personal?.map(\.holder) == ["alice@host", "bob@desk"])
              #expect(listed?.personal?.map { Optional($0.rules) } == [Self.rules("alice"), Self.rules("bob")])

              _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(Self.fromOrigin, header: Self.alices)
              try await lab.expect(second.text, header: Self.bobs)
              #expect(await bob.status().intercepts.first?.state == .active)
              // The process ends: its requests fall back.
              second.server.stop()
              try await lab.expect(Self.fromOrigin, header: Self.bobs)
              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expectNoTraces()
            }
          }
        }
        try await lab.expect(Self.fromOrigin)
      }
    }

    @Test("Beside one who has the whole Service, who gets all the rest")
    func besideWhole() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await during(lab, others: [Self.fromOrigin, second.text]) {
              _ = try await bob.intercept(second.request(lab, nil)) { _ in }
              try await lab.expect(second.text, header: Self.alices)
              // As long as rules may be, and more than one frame of the tunnel.
              let texts = Self.rules("alice")?.texts ?? []
              let long = (0..<62).map { "path /\($0)/\(String(repeating: "x", count: 240))" }
              let made = try await alice.intercept(first.request(lab, RequestRules(texts: texts.union(long)))) { _ in }
              #expect(made.rules?.conditions.count == 64)
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(first.text, path: "/61/" + String(repeating: "x", count: 240))
              try await lab.expect(second.text)
              let explained = try await alice.explain(
                ExplainRequest(
                  lab.intercept(1), method: "GET", target: "/",
                  headers: [.init("x-devtunnel", "alice")]))
              #expect(
                explained.ports.first?.takers == [
                  ExplainReport.Taker(holder: "alice@host", rule: ["header x-devtunnel=alice"]),
                  ExplainReport.Taker(holder: "bob@desk", rule: nil),
                ])
              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(Self.fromOrigin)
              _ = try await bob.intercept(second.request(lab, nil)) { _ in }
              _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(second.text, header: Self.alices)
              try await lab.expect(second.text)
              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expectNoTraces()
            }
          }
        }
      }
    }

    @Test("The same rule of two people is a conflict, reported before any change; --take-over takes that one alone")
    func conflict() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await during(lab) {
              let both = RequestRules(texts: ["header x-devtunnel=alice", "path /both"])
              _ = try await alice.intercept(first.request(lab, both)) { _ in }
              let claims = "devtunnel.dev/claims"
              let before = try await lab.client.get(.deployments, "devtunnel-web").annotations[claims]
              var request = second.request(lab, RequestRules(texts: ["path /both"]))
              let error = await bob.refusal(of: request)
              #expect(error?.code == .conflict)
              #expect(
                error?.message.hasPrefix("Service web: port 80: requests with path /both are intercepted by alice@host")
                  == true, "\(error?.description ?? "")")
              #expect(try await lab.client.get(.deployments, "devtunnel-web").annotations[claims] == before)
              request.takeOver = true
              _ = try await bob.intercept(request) { _ in }
              try await lab.expect(second.text, path: "/both")
              try await lab.expect(first.text, header: Self.alices)
              try await eventually("alice knows what she has") {
                let own = await alice.status().intercepts.first
                return own?.state == .active && own?.rules == RequestRules(texts: ["header x-devtunnel=alice"])
                  && own?.warnings.contains { $0.contains("taken over requests with path /both") } == true
              }
              for person in [alice, bob] { _ = try await person.leave(LeaveRequest(all: true)) { _ in } }
              try await lab.expectNoTraces()
            }
          }
        }
      }
    }

    @Test("The next Pod of the agent gets everybody's rules again, and no connection is lost")
    func replacedPod() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await during(lab, others: [Self.fromOrigin, second.text]) {
              _ = try await alice.intercept(first.request(lab, Self.rules("alice"))) { _ in }
              _ = try await bob.intercept(second.request(lab, nil)) { _ in }
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(second.text)
              let pods = try await lab.client.list(.pods, namespace: "shop").items.compactMap(\.name)
              let pod = try #require(pods.first { $0.hasPrefix("devtunnel-") })
              try await lab.client.delete(.pods, pod, namespace: "shop")
              for person in [alice, bob] {
                try await eventually("the next one is used") {
                  let status = await person.status()
                  return status.intercepts.first?.state == .active
                    && status.sessions.first?.pod.map { $0 != pod } == true
                }
              }
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(second.text)
              for person in [alice, bob] { _ = try await person.leave(LeaveRequest(all: true)) { _ in } }
              try await lab.expectNoTraces()
            }
          }
        }
      }
    }

    @Test("While a person is cut off, their requests go where all others do; then they come back")
    func cutOff() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        let (blockade, cluster) = try lab.blockade()
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            try await during(lab) {
              var request = first.request(lab, Self.rules("alice"))
              request.cluster = cluster
              _ = try await alice.intercept(request) { _ in }
              _ = try await bob.intercept(second.request(lab, Self.rules("bob"))) { _ in }
              try await lab.expect(first.text, header: Self.alices)
              blockade.shut(true)
              try await eventually("silence is reported") {
                await alice.status().intercepts.first?.state == .failedOpen
              }
              try await lab.expect(Self.fromOrigin, header: Self.alices)
              try await lab.expect(second.text, header: Self.bobs)
              blockade.shut(false)
              try await eventually("it is active again") { await alice.status().intercepts.first?.state == .active }
              try await lab.expect(first.text, header: Self.alices)
              for person in [alice, bob] { _ = try await person.leave(LeaveRequest(all: true)) { _ in } }
              try await lab.expectNoTraces()
            }
          }
        }
        blockade.stop()
      }
    }

    @Test(
      "A daemon that is killed takes its rules along, and nobody else's",
      .enabled(if: Lab.executable != nil, "the command devtunnel is not built"))
    func killed() async throws {
      try await Lab.run { lab in
        let (first, second) = (try Person("alice"), try Person("bob"))
        let (alice, bob) = (try Command(lab, "alice"), try Command(lab, "bob"))
        try await alice.during {
          try await bob.during {
            try await during(lab) {
              let made = try await alice(
                "-n", "shop", "intercept", "web", "--port", "\(first.server.port)", "--personal=alice")
              #expect(made.contains("requests with baggage devtunnel=alice, or with header x-devtunnel: alice"))
              try await bob(
                "-n", "shop", "intercept", "web", "--port", "\(second.server.port)", "--header",
                "baggage=*devtunnel=bob*")
              try await lab.expect(first.text, header: Self.alices)
              try await lab.expect(second.text, header: Self.bobs)
              let words = ["-n", "shop", "intercept", "web", "--port", "1", "--explain", "GET /", "-H", Self.alices]
              let explained = try await bob.run(words).output
              #expect(explained.contains("by the rule: header x-devtunnel: alice."), "\(explained)")
              kill(try await alice.daemon(), SIGKILL)
              try await lab.expect(Self.fromOrigin, header: Self.alices)
              try await lab.expect(second.text, header: Self.bobs)
              #expect(try await bob.status().intercepts.first?.state == .active)
              try await alice("status")
              try await eventually("the next daemon has undone it", within: .seconds(40)) {
                try await lab.client.get(.deployments, "devtunnel-web").annotations["devtunnel.dev/claims"]?
                  .contains("x-devtunnel=alice") == false
              }
              try await lab.expect(second.text, header: Self.bobs)
            }
          }
        }
        try await lab.expectNoTraces()
      }
    }
  }
}
