import ControlAPI
import Testing

@testable import Commands

@Suite struct OpenTargetTests {
  @Test(arguments: [
    ("web", OpenTarget(service: "web")), ("svc/web:8080", OpenTarget(service: "web", port: "8080")),
    ("web:http", OpenTarget(service: "web", port: "http")),
    ("http://web", OpenTarget(service: "web", port: "80", host: "web")),
    (
      "http://web.shop:8080/a?b=c#d",
      OpenTarget(service: "web", namespace: "shop", port: "8080", host: "web.shop:8080", path: "/a?b=c")
    ),
    (
      "http://web.shop.svc.cluster.local?b",
      OpenTarget(service: "web", namespace: "shop", port: "80", host: "web.shop.svc.cluster.local", path: "/?b")
    ),
  ])
  func targets(text: String, target: OpenTarget) throws { #expect(try OpenTarget.parse(text) == target) }

  @Test(arguments: [
    "", "web:", "web:0", "Web", "web/a", "https://web.shop/", "ftp://web", "http://", "http://shop.example.org/",
    "http://web:http/", "http://a:b@web/",
  ])
  func mistakes(text: String) { #expect(throws: ControlError.self) { try OpenTarget.parse(text) } }

  @Test func aHeaderIsANameAndAValue() throws {
    #expect(try OpenHeader.parse("X-Tenant=a=b") == .init("x-tenant", "a=b"))
    for text in ["x", "=a", "a b=c", "a=\r\nb", "Connection=close", "content-length=1"] {
      #expect(throws: ControlError.self) { try OpenHeader.parse(text) }
    }
  }

  @Test func theRequestHasTheMarkAndTheHost() throws {
    let arguments = [
      "open", "http://web.shop/", "--personal=alice", "--header", "x-a=1", "--header", "host=shop.example",
    ]
    let command = try #require(try Devtunnel.parseAsRoot(arguments) as? OpenCommand)
    let request = command.request(Settings())
    #expect(request.cluster.namespace == "shop")
    #expect(request.target == "web")
    #expect(request.ports == [.init(host: 0, remote: "80")])
    #expect(
      request.rewrite
        == ForwardRewrite(
          host: "shop.example", fields: [.init("x-a", "1"), .init("x-devtunnel", "alice")],
          baggage: ["devtunnel=alice"]))
  }

  @Test(arguments: [("127.0.0.1:4000", "http://127.0.0.1:4000/a"), ("::1:4000", "http://[::1]:4000/a")])
  func theURL(host: String, url: String) {
    let report = ForwardReport(
      id: "f1", context: "c", namespace: "shop", target: "web", ports: [.init(host: host, remote: "80")])
    #expect(OpenReport(report, path: "/a", marks: ForwardRewrite()).url == url)
  }
}
