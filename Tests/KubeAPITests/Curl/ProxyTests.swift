import KubeAPI
import KubeObjects
import Testing

/// A server that stands in for the proxy as well as for what lies behind it.
@Suite(.timeLimit(.minutes(1))) struct ProxyTests {
  @Test func restAndDialsGoThroughTheProxy() async throws {
    let proxy = TestServer { request, connection in
      switch request.method {
      case "CONNECT": connection.write("HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")
      case "GET" where request.target == "http://api.invalid:6443/version": connection.reply(["gitVersion": "v1"])
      default: connection.failure(404, "NotFound", request.target)
      }
    }
    defer { proxy.stop() }
    let access = ClusterAccess(server: ServerURL("http://api.invalid:6443")!, proxyURL: "http://127.0.0.1:\(proxy.port)")
    let client = KubeClient(access, retry: RetryPolicy(attempts: 1))
    let version = try await client.serverVersion()
    #expect(version == "v1")
    let error = await #expect(throws: KubeError.self) { try await client.dialWebSocket(path: "/dial", subprotocols: ["a"]) }
    #expect(error == .status(code: 404, reason: "NotFound", message: "/dial", details: nil))
    #expect(proxy.requests.map { "\($0.method) \($0.target)" }.suffix(2) == ["CONNECT api.invalid:6443", "GET /dial"])
  }

  @Test func aProxyThatIsDownIsUnreachable() async throws {
    let proxy = TestServer { _, _ in }
    proxy.stop()
    let access = ClusterAccess(server: ServerURL("https://api.invalid:6443")!, proxyURL: "http://127.0.0.1:\(proxy.port)")
    let error = await #expect(throws: KubeError.self) { try await KubeClient(access, retry: RetryPolicy(attempts: 1)).serverVersion() }
    guard case .unreachable = error else {
      Issue.record("\(error as Any)")
      return
    }
  }
}
