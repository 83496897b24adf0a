import CLinux
import Glibc
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// A proxy that other machines reach: it asks for a password, and refuses listeners of this machine.
@Suite struct ProxyAccessTests {
  private static let credentials = ProxyCredentials(user: "devtunnel", password: "right")
  /// base64 of `devtunnel:right`.
  private static let basic = "ZGV2dHVubmVsOnJpZ2h0"
  private static let get = Array("GET / HTTP/1.1\r\nHost: user\r\n\r\n".utf8)
  private static let cluster = "user.shop.svc.cluster.local"

  private func proxy(_ rules: RouteRules = RouteRules()) -> ProxyFixture {
    ProxyFixture(rules: rules, access: .anyone(Self.credentials))
  }

  private func socks(_ host: String, port: Int = 80, user: String = "devtunnel", password: String = "right") -> [UInt8]
  {
    [5, 2, 0, 2] + [1, UInt8(user.utf8.count)] + Array(user.utf8) + [UInt8(password.utf8.count)] + Array(password.utf8)
      + [5, 1, 0, 3, UInt8(host.utf8.count)] + Array(host.utf8) + Messages.word(port) + Self.get
  }

  @Test func withoutAPasswordNothingIsReached() {
    let proxy = proxy()
    #expect(proxy.exchange([5, 1, 0]) == [5, 0xff])
    #expect(proxy.exchange([4, 1, 0, 80, 10, 96, 0, 7, 0])[1] == 91)
    for request in ["GET http://\(Self.cluster)/ HTTP/1.1\r\n\r\n", "CONNECT \(Self.cluster):80 HTTP/1.1\r\n\r\n"] {
      let answer = proxy.exchange(request)
      #expect(
        answer.hasPrefix(
          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"devtunnel\"\r\n"),
        "\(answer)")
    }
    #expect(proxy.harness.agent.preambles.isEmpty && proxy.web.requests.isEmpty && proxy.figures.proxy.rejected == 4)
  }

  @Test(arguments: [
    ("devtunnel", "wrong"), ("devtunnel", "righ"), ("devtunnel", ""), ("", ""), ("other", "right"),
    ("devtunnel", "right2"),
  ])
  func aWrongPasswordReachesNothing(user: String, password: String) {
    let proxy = proxy()
    #expect(proxy.exchange(socks(Self.cluster, user: user, password: password)) == [5, 2, 1, 1])
    #expect(proxy.harness.agent.preambles.isEmpty)
  }

  @Test(arguments: [
    "Basic ZGV2dHVubmVsOndyb25n", "Basic", "Basic \(basic)x", "Bearer \(basic)", "Basic \(basic) \(basic)", "",
  ])
  func aWrongFieldReachesNothing(value: String) {
    let proxy = proxy()
    let answer = proxy.exchange("GET http://\(Self.cluster)/ HTTP/1.1\r\nProxy-Authorization: \(value)\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 407 ") && proxy.harness.agent.preambles.isEmpty)
  }

  @Test func thePasswordLeadsIntoTheCluster() {
    let proxy = proxy()
    let answer = proxy.exchange(socks(Self.cluster))
    #expect(Array(answer.prefix(5)) == [5, 2, 1, 0, 5] && answer.last == 0x0a)
    let page = proxy.exchange(
      "GET http://\(Self.cluster)/ HTTP/1.1\r\nproxy-authorization: basic \(Self.basic)\r\n\r\n")
    #expect(page.hasSuffix("hello\n"))
    // The password is the proxy's, and goes no further.
    #expect(
      proxy.web.requests.count == 2 && !proxy.web.requests.contains { $0.lowercased().contains("proxy-authorization") })
  }

  @Test func thePasswordMayComeByteByByte() {
    let proxy = proxy()
    let client = proxy.client()
    for byte in socks(Self.cluster).dropLast(Self.get.count) {
      client.send([byte])
      proxy.harness.loop.turn(maximumWait: 1)
    }
    #expect(proxy.harness.loop.turn { client.received.count == 14 } && client.received[3] == 0)
    client.close()
  }

  @Test(
    arguments: [
      "127.0.0.1", "127.200.1.2", "localhost", "host.devtunnel.internal", "198.18.0.1", "::1", "0.0.0.0", "::",
      "::ffff:127.0.0.1", "::ffff:0.0.0.0",
    ] + ownAddresses)
  func thisMachineIsNotReached(host: String) throws {
    // Also where a rule sends the address out from this machine.
    let all = RouteRules(viaHost: [
      try CIDR(parsing: "0.0.0.0/0"), try CIDR(parsing: "127.0.0.0/8"), try CIDR(parsing: "10.0.0.0/8"),
      try CIDR(parsing: "192.168.0.0/16"),
    ])
    for rules in [RouteRules(), all] where rules == all || !Self.ownAddresses.contains(host) {
      let proxy = proxy(rules)
      let answer = proxy.exchange(socks(host, port: Int(proxy.web.port)))
      #expect(answer.count > 5 && answer[5] == 2, "\(answer)")
      let text = host.contains(":") ? "[\(host)]" : host
      let page = proxy.exchange(
        "GET http://\(text):\(proxy.web.port)/ HTTP/1.1\r\nProxy-Authorization: Basic \(Self.basic)\r\n\r\n")
      #expect(page.hasPrefix("HTTP/1.1 403 Forbidden"), "\(page)")
      #expect(proxy.web.requests.isEmpty && proxy.harness.agent.preambles.isEmpty)
    }
  }

  @Test func aPortOnLoopbackAsksNobody() throws {
    for (text, asks) in [
      ("127.0.0.1", false), ("127.0.0.9", false), ("::1", false), ("::ffff:127.0.0.1", false), ("0.0.0.0", true),
      ("::", true), ("192.0.2.1", true),
    ] {
      let address = try #require(IPAddress(parsing: text)).socketAddress(port: 1)
      #expect((ProxyAccess(listeningAt: address).credentials != nil) == asks, "\(text)")
    }
    var mapped = clinux_address()
    #expect(clinux_parse_address("::ffff:127.0.0.1", &mapped) == 0)
    #expect(ProxyAccess(listeningAt: mapped).credentials == nil)
    #expect(ProxyCredentials.random() != ProxyCredentials.random() && ProxyCredentials.random().password.count == 32)
  }

  /// Of this machine's interfaces, loopback aside.
  static let ownAddresses: [String] = {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    return sequence(first: list) { $0?.pointee.ifa_next }.compactMap { entry -> String? in
      guard let address = entry?.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
      let own = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { at in
        withUnsafeBytes(of: at.pointee.sin_addr.s_addr) { IPAddress(bytes: $0) }
      }
      return own?.description
    }.filter { !$0.hasPrefix("127.") }
  }()
}
