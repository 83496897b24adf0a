import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

/// A server that plays both the proxy and the server behind it.
@Suite(.timeLimit(.minutes(1))) struct ProxyTests {
  @Test func restAndDialsGoThroughTheProxy() async throws {
    let proxy = HTTPTestServer { request, connection in
      switch request.method {
      case "CONNECT": connection.write("HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")
      case "GET" where request.target == "http://api.invalid:6443/version": connection.reply(["gitVersion": "v1"])
      default: connection.failure(404, "NotFound", request.target)
      }
    }
    defer { proxy.stop() }
    let access = ClusterAccess(
      server: ServerURL("http://api.invalid:6443")!, proxyURL: "http://127.0.0.1:\(proxy.port)")
    let client = KubeClient(access, retry: RetryPolicy(attempts: 1))
    let version = try await client.serverVersion()
    #expect(version == "v1")
    let error = await #expect(throws: KubeError.self) {
      try await client.dialWebSocket(path: "/dial", subprotocols: ["a"])
    }
    #expect(error == .status(code: 404, reason: "NotFound", message: "/dial", details: nil))
    #expect(proxy.requests.map { "\($0.method) \($0.target)" }.suffix(2) == ["CONNECT api.invalid:6443", "GET /dial"])
  }

  /// Returns the errors of a REST call and of a dial to the server behind the proxy.
  private func failures(_ proxyURL: String, limit: Duration = .seconds(30)) async throws -> [KubeError] {
    let access = ClusterAccess(server: ServerURL("https://api.invalid:6443")!, proxyURL: proxyURL)
    let client = KubeClient(access, retry: RetryPolicy(attempts: 1)).within(limit)
    let rest = try #require(await #expect(throws: KubeError.self) { try await client.serverVersion() })
    guard limit >= .seconds(30) else { return [rest] }
    return [
      rest,
      try #require(
        await #expect(throws: KubeError.self) { try await client.dialWebSocket(path: "/dial", subprotocols: ["a"]) }),
    ]
  }

  private func answering(_ answer: @escaping HTTPTestServer.Handler, _ credentials: String = "") async throws -> (
    proxy: String, [KubeError]
  ) {
    let proxy = HTTPTestServer(answer)
    defer { proxy.stop() }
    return ("http://127.0.0.1:\(proxy.port)", try await failures("http://\(credentials)127.0.0.1:\(proxy.port)"))
  }

  private func expect(_ error: KubeError, _ proxy: String, status: Int, hasCredentials: Bool = false) {
    guard
      case .proxy(proxy, "the kubeconfig's proxy-url", hasCredentials, "https://api.invalid:6443", status, _) = error
    else {
      Issue.record("\(error)")
      return
    }
    #expect(error.description.hasPrefix("the proxy \(proxy), set by the kubeconfig's proxy-url, "))
  }

  @Test func aProxyThatIsDownIsNamed() async throws {
    let proxy = HTTPTestServer { _, _ in }
    proxy.stop()
    for error in try await failures("http://127.0.0.1:\(proxy.port)") {
      expect(error, "http://127.0.0.1:\(proxy.port)", status: 0)
    }
  }

  @Test(arguments: [403, 407, 502]) func aProxyThatRefusesIsNamed(status: Int) async throws {
    let (proxy, errors) = try await answering { _, connection in connection.reply(status, [:]) }
    #expect(errors.count == 2)
    for error in errors {
      expect(error, proxy, status: status)
      #expect(error.description.contains("USER:PASSWORD") == (status == 407))
      #expect(!error.description.contains("try again"))
    }
  }

  @Test func credentialsAreNotShown() async throws {
    let (proxy, errors) = try await answering({ _, connection in connection.reply(407, [:]) }, "bob:secret@")
    for error in errors {
      expect(error, proxy, status: 407, hasCredentials: true)
      #expect(!"\(error)".contains("secret") && error.description.contains("does not accept the credentials"))
    }
  }

  @Test func aProxyThatHangsUpIsNamed() async throws {
    let (proxy, errors) = try await answering { _, connection in connection.cut() }
    for error in errors { expect(error, proxy, status: 0) }
  }

  @Test func aProxyThatIsSilentIsNamed() async throws {
    let proxy = HTTPTestServer { _, connection in _ = connection.waitForClient() }
    defer { proxy.stop() }
    for error in try await failures("http://127.0.0.1:\(proxy.port)", limit: .milliseconds(300)) {
      expect(error, "http://127.0.0.1:\(proxy.port)", status: 0)
    }
  }

  @Test func aProxyWithoutAnAddressIsNamed() async throws {
    for error in try await failures("http://proxy.invalid:3128") {
      expect(error, "http://proxy.invalid:3128", status: 0)
    }
  }
}
