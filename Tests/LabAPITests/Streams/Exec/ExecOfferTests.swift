import KubeObjects
import LabStore
import NIOHTTP1
import Testing

@testable import LabAPI

@Suite struct ExecOfferTests {
  @Test(arguments: [
    ("GET", "websocket", "v5.channel.k8s.io", "v5.channel.k8s.io", 0),
    ("GET", "websocket", "v4.channel.k8s.io", "v4.channel.k8s.io", 0),
    ("GET", "websocket", "v4.channel.k8s.io, v5.channel.k8s.io", "v5.channel.k8s.io", 0),
    ("GET", "websocket", "", "", 0),
    ("GET", "websocket", "SPDY/3.1+portforward.k8s.io", "", 403), ("POST", "websocket", "v5.channel.k8s.io", "", 405),
    ("POST", "SPDY/3.1", "v4.channel.k8s.io, v3.channel.k8s.io", "v4.channel.k8s.io", 0),
    ("POST", "SPDY/3.1", "v2.channel.k8s.io", "", 403),
    ("GET", "", "", "", 400),
  ]) func whatIsOfferedDecides(method: String, upgrade: String, protocols: String, agreed: String, code: Int) {
    let header = upgrade == "websocket" ? "sec-websocket-protocol" : "x-stream-protocol-version"
    var headers: HTTPHeaders = ["upgrade": upgrade]
    if !protocols.isEmpty { headers.add(name: header, value: protocols) }
    do {
      let offer = try ExecOffer(
        method: .init(rawValue: method), headers: headers, query: QueryParameters(parsing: "command=a&stdout=true"))
      #expect(code == 0 && offer.protocolName ?? "" == agreed)
    } catch { #expect((error as? StatusError)?.code == code) }
  }

  @Test func theQueryNamesTheCommand() throws {
    let headers: HTTPHeaders = ["upgrade": "websocket"]
    let query = QueryParameters(
      parsing: "container=c&command=sh&command=-c&command=echo+%26&stdin=true&stdout=true&stderr=true&tty=true")
    let request = try ExecOffer(method: .GET, headers: headers, query: query).request
    #expect(
      request.command == ["sh", "-c", "echo &"] && request.container == "c" && request.standardInput
        && request.hasTerminal)
    // A terminal has one output.
    #expect(request.standardOutput && !request.standardError)
    for bad in ["stdout=true", "command=a"] {
      #expect(throws: StatusError.self) {
        try ExecOffer(method: .GET, headers: headers, query: QueryParameters(parsing: bad[...]))
      }
    }
  }

  @Test func aContainerMustBeNamedAndRun() throws {
    func check(_ container: String?) -> String? {
      let pod: JSONValue = [
        "metadata": ["name": "q"], "spec": ["containers": [["name": "a"], ["name": "b"]]],
        "status": [
          "containerStatuses": [
            ["name": "a", "state": ["running": [:]]], ["name": "b", "state": ["terminated": [:]]],
          ]
        ],
      ]
      let query = "command=x&stdout=1" + (container.map { "&container=" + $0 } ?? "")
      do {
        try ExecOffer(method: .GET, headers: ["upgrade": "websocket"], query: QueryParameters(parsing: query[...]))
          .check(pod)
        return nil
      } catch { return (error as? StatusError)?.message }
    }
    #expect(check("a") == nil)
    #expect(check("b") == "container not found (\"b\")")
    #expect(check("c") == "container c is not valid for pod q")
    #expect(check(nil) == "a container name must be specified for pod q, choose one of: [a b]")
  }

  @Test func sizesAreReadFromAStream() {
    var text = Array("{\"Width\":80,\"Height\":24}\n{\"Width\":1,".utf8)
    #expect(TerminalSize.read(from: &text) == [TerminalSize(columns: 80, rows: 24)])
    text += Array("\"Height\":2}".utf8)
    #expect(TerminalSize.read(from: &text) == [TerminalSize(columns: 1, rows: 2)])
    #expect(text.isEmpty)
  }
}
