import Testing

@testable import Operations

@Suite struct WayToServerTests {
  @Test(
    arguments: [
      ("http://proxy.corp:3128/", "proxy.corp"), ("socks5://u:p@10.0.0.9:1080", "10.0.0.9"), ("proxy:3128", "proxy"),
      ("http://[fd00::1]:80", "fd00::1"),
      ("http://u@x@proxy", "proxy"), ("", nil), ("http://", nil),
    ] as [(String, String?)])
  func hostOfAProxy(text: String, host: String?) { #expect(ClusterOperations.host(ofProxy: text) == host) }
}
