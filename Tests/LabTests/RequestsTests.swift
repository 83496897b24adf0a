import ControlAPI
import Exchanges
import Foundation
import Operations
import Synchronization
import Testing

extension LabTests {
  /// The requests that pass here, as `devtunnel requests` shows them.
  @Suite(.sharedLab()) struct RequestsTests {
    private let fromHost = "hello from the host"

    /// Returns what the daemon has kept.
    private func kept(_ engine: ClusterOperations, _ request: RequestsRequest) async throws -> [Exchange] {
      let found = Mutex<[Exchange]>([])
      _ = try await engine.requests(request) { items in
        found.withLock { $0 += items.compactMap(\.exchange) }
      }
      return found.withLock { $0 }
    }

    @Test func thoseOfAnInterceptAreSeenAndTheirSecretsAreNot() async throws {
      let lab = try SharedLab.lab
      let host = try HostServer(fromHost)
      try await lab.developer("alice@host") { alice in
        _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
        let secret = try await lab.requester("web", path: "/a?token=xyzzy", header: "Authorization: Bearer xyzzy")
        #expect(try await secret() == fromHost)
        var request = RequestsRequest(service: "web")
        request.isDetailed = true
        try await eventually("the request is kept") {
          try await kept(alice, request).contains { $0.request.target == "/a?token=***" && $0.duration != nil }
        }
        let one = try #require(try await kept(alice, request).last { $0.request.target == "/a?token=***" })
        #expect(one.way == .intercept && one.taker == .host && one.service == "web" && one.namespace == "shop")
        #expect(one.answer?.status == 200 && one.answer?.size == fromHost.utf8.count && one.failure == nil)
        #expect(one.request.fields.contains(.init("Authorization", "Bearer ***")))
        request.showSecrets = true
        #expect(try await kept(alice, request).contains { $0.request.target == "/a?token=xyzzy" })
        #expect(try await kept(alice, RequestsRequest(service: "nobody")).isEmpty)
      }
      host.stop()
      try await lab.expectNoTraces()
    }

    @Test func thoseOfAForwardAndOfAProxyAreSeen() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("alice@host") { alice in
        let request = ForwardRequest(cluster: lab.cluster, target: "web", ports: [.init(host: 0, remote: "http")])
        let forward = try await alice.forward(request) { _ in }
        let port = try #require(forward.ports.first?.host.split(separator: ":").last.flatMap { UInt16($0) })
        _ = try await HTTPRequest.host(port: port, path: "/index.html")
        let proxy = try await alice.connect(ConnectRequest(cluster: lab.cluster)) { _ in }
        let other = try #require(proxy.address?.split(separator: ":").last.flatMap { UInt16($0) })
        _ = try await HTTPRequest.host(port: other, path: "http://web.shop/index.html")
        try await eventually("both are kept") {
          try await kept(alice, RequestsRequest(service: "web")).filter { $0.answer?.status == 200 }.map(\.way)
            == [.forward, .shell]
        }
      }
      try await lab.expectNoTraces()
    }

    @Test func aCommandFollowsThem() async throws {
      let lab = try SharedLab.lab
      let host = try HostServer(fromHost)
      try await lab.developer("alice@host") { alice in
        _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
        var request = RequestsRequest(service: "web")
        request.follow = true
        let delays = Mutex<[Double]>([])
        let follower = Task { [request] in
          try await alice.requests(request) { items in
            let now = Date().timeIntervalSince1970
            for one in items.compactMap(\.exchange) where one.request.target == "/live" {
              delays.withLock { $0.append(now - one.start - (one.duration ?? 0)) }
            }
          }
        }
        let live = try await lab.requester("web", path: "/live")
        for _ in 0..<5 { #expect(try await live() == fromHost) }
        try await eventually("all came") { delays.withLock { $0.count } == 5 }
        #expect(delays.withLock { $0.max() ?? 9 } < 0.2)
        follower.cancel()
        _ = try await follower.value
      }
      host.stop()
      try await lab.expectNoTraces()
    }

    @Test func thoseThatOthersGetAreToldByTheAgent() async throws {
      let lab = try SharedLab.lab
      let host = try HostServer(fromHost)
      try await lab.developer("alice@host") { alice in
        var intercept = lab.intercept(host.port)
        intercept.rules = RequestRules(texts: ["header x-devtunnel=alice"])
        _ = try await alice.intercept(intercept) { _ in }
        var request = RequestsRequest(service: "web")
        request.follow = true
        let found = Mutex<[Exchange]>([])
        let follower = Task { [request] in
          try await alice.requests(request) { items in found.withLock { $0 += items.compactMap(\.exchange) } }
        }
        let (others, mine) = (
          try await lab.requester("web", path: "/index.html?token=xyzzy"),
          try await lab.requester("web", path: "/mine", header: "X-DevTunnel: alice")
        )
        try await eventually("both are seen") {
          #expect((try? await others()) == "hello from the cluster")
          #expect((try? await mine()) == fromHost)
          return found.withLock { Set($0.map(\.taker)) } == [.host, .origin]
        }
        let all = found.withLock { $0 }
        for one in all where one.taker == .origin {
          #expect(one.request.target == "/index.html?token=***" && one.answer?.status == 200 && one.service == "web")
        }
        #expect(
          all.contains { $0.taker == .origin } && all.allSatisfy { $0.taker != .host || $0.request.target == "/mine" })
        follower.cancel()
        _ = try await follower.value
      }
      host.stop()
      try await lab.expectNoTraces()
    }

    @Test(.enabled(if: Lab.executable != nil, "the command devtunnel is not built"))
    func theVerbPrintsThem() async throws {
      let lab = try SharedLab.lab
      let command = try Command(lab, "requests")
      try await command.during {
        let nothing = try await command.run(["requests"])
        #expect(
          nothing.code == 0 && nothing.output.isEmpty && nothing.errors.contains("nothing was seen"), "\(nothing)")
        let forwarded = try await command("-n", "shop", "forward", "web", "0:http", "--output", "json")
        let report = try JSONDecoder().decode(ForwardReport.self, from: Data(forwarded.utf8))
        let port = try #require(report.ports.first?.host.split(separator: ":").last.flatMap { UInt16($0) })
        _ = try await HTTPRequest.host(port: port, path: "/index.html?session=xyzzy")
        _ = try? await HTTPRequest.host(port: port, path: "/none")
        let text = try await command("requests", "web")
        #expect(text.contains("web GET /index.html?session=*** → 200, "), "\(text)")
        #expect(text.contains("web GET /none → 404, ") && text.contains(", forward\n"), "\(text)")
        let document = try HARDocument.read(Array(try await command("requests", "-o", "har").utf8))
        #expect(document.map(\.request.target) == ["/index.html?session=***", "/none"])
        #expect(document.map { $0.answer?.status } == [200, 404])
        let json = try await command("requests", "-o", "json", "--show-secrets")
        let exchanges = try JSONDecoder().decode([Exchange].self, from: Data(json.utf8))
        #expect(exchanges.map(\.request.target) == ["/index.html?session=xyzzy", "/none"])
      }
      try await lab.expectNoTraces()
    }
  }
}
