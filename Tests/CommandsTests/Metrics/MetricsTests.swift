import CControl
import ControlAPI
import Foundation
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct MetricsTests {
  private static let identity = ClusterIdentity(uid: "1", server: "https://dev")
  private static let status: StatusReport = {
    var port = InterceptReport.Port(
      service: 80, name: "http", target: 8080, host: "127.0.0.1:8080", toHost: 7, toOrigin: 2)
    port.onOrigin = [.refused: 2]
    port.copies = 3
    return StatusReport(
      daemon: DaemonReport(
        pid: 1, version: "0.1.0", build: "b", since: "2026-01-31T10:02:00Z", socket: "/s", log: "/l"),
      intercepts: [
        InterceptReport(
          context: "a \"b\" \\ c\nd", cluster: identity, namespace: "shop", service: "web", workload: "Deployment/web",
          state: .active, ports: [port], holder: "a@b", since: "now")
      ],
      forwards: [
        ForwardReport(
          id: "f1", context: "dev", namespace: "shop", target: "db",
          ports: [.init(host: "127.0.0.1:1", remote: "5432", connections: 1)])
      ],
      outbound: [OutboundReport(id: "p1", kind: "proxy", context: "dev", namespace: "shop")],
      sessions: [
        SessionReport(
          context: "dev", namespace: "shop", agent: "devtunnel-web", pod: "p", state: "connected", carrier: nil,
          roundTripMilliseconds: 1.5, streams: 1, sentBytes: 2, receivedBytes: 3, lastProblem: nil)
      ])
  }()

  @Test func theTextIsThatOfThePage() {
    let families = StatusMetrics.families(Self.status)
    let text = OpenMetrics.text(families)
    #expect(text.hasSuffix("\n# EOF\n"))
    for line in [
      "# TYPE devtunnel_build_info gauge", #"devtunnel_build_info{version="0.1.0",build="b"} 1"#,
      "# TYPE devtunnel_start_time_seconds gauge\n# UNIT devtunnel_start_time_seconds seconds",
      "devtunnel_start_time_seconds 1769853720", #"devtunnel_intercepts{state="failedOpen"} 0"#,
      #"devtunnel_intercept_connections_total{context="a \"b\" \\ c\nd",namespace="shop",service="web",port="80","#
        + #"to="host"} 7"#,
      #"service="web",port="80",reason="refused"} 2"#, #"service="web",port="80",reason="away"} 0"#,
      #"port="80",outcome="lost"} 0"#,
      "# TYPE devtunnel_session_sent_bytes counter\n# UNIT devtunnel_session_sent_bytes bytes",
      #"devtunnel_session_sent_bytes_total{context="dev",namespace="shop",agent="devtunnel-web"} 2"#,
      #"agent="devtunnel-web"} 0.0015"#,
      #"devtunnel_forward_connections_total{id="f1",context="dev",namespace="shop",target="db",port="5432","#
        + #"host="127.0.0.1:1"} 1"#,
    ] { #expect(text.contains(line), "\(line)") }
    #expect(OpenMetrics.text(StatusMetrics.families(nil)).contains("\ndevtunnel_up 0\n"))
  }

  /// Each line is one of OpenMetrics' ABNF, each family is told once, and its samples follow it.
  @Test func eachLineHasTheForm() throws {
    let lines = OpenMetrics.text(StatusMetrics.families(Self.status)).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.last == "")
    let sample = try Regex(
      #"([a-z][a-z0-9_]*)(\{([a-z_]+="([^"\\]|\\["\\n])*")(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? \S+"#)
    var family = ""
    var families: Set<Substring> = []
    var samples: Set<Substring> = []
    for line in lines.dropLast(2) {
      if line.hasPrefix("# TYPE ") {
        family = String(line.split(separator: " ")[2])
        #expect(families.insert(line.split(separator: " ")[2]).inserted)
        continue
      }
      if line.hasPrefix("# ") {
        #expect(line.split(separator: " ")[2] == family)
        continue
      }
      let match = try #require(try sample.wholeMatch(in: line), "\(line)")
      #expect(["", "_total"].map { family + $0 }.contains(String(match[1].substring ?? "")))
      let name = line.prefix { $0 != " " }
      #expect(line.contains("{") || samples.insert(name).inserted)
    }
    #expect(families.count > 20)
  }

  @Test func aSampleIsToldOnce() {
    var family = MetricFamily("x", .gauge, "X.")
    family.add([("a", "1")], 1)
    family.add([("a", "1")], 2)
    family.add([("a", "2")], .infinity)
    #expect(family.lines == ["# TYPE x gauge", "# HELP x X.", #"x{a="1"} 1"#, #"x{a="2"} +Inf"#])
  }

  @Test func thePageHasEachMetric() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    let page = try String(contentsOf: root.appending(path: "docs/output.md"), encoding: .utf8)
    let section = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix("metrics") })
    for family in StatusMetrics.families(Self.status) {
      #expect(section.contains("| `\(family.name)` | \(family.kind.rawValue) |"), "\(family.name)")
    }
  }

  @Test(arguments: [
    (["GET /metrics HTTP/1.1", "Host: localhost:9464"], "200"), (["GET / HTTP/1.0", "HOST:  127.0.0.1"], "200"),
    (["GET /metrics?x HTTP/1.1", "Host: [::1]:1"], "200"), (["HEAD /metrics HTTP/1.1", "host: LOCALHOST"], "200"),
    (["POST /metrics HTTP/1.1", "Host: localhost"], "405"), (["GET /x HTTP/1.1", "Host: localhost"], "404"),
    (["GET /metrics HTTP/1.1", "Host: evil.example"], "403"), (["GET /metrics HTTP/1.1"], "403"),
    (["GET /metrics HTTP/1.1", "Host: localhost", "Host: evil.example"], "403"),
    (["GET /metrics HTTP/1.1", "Host: localhost.evil.example"], "403"), (["garbage"], "400"), ([], "400"),
    (["GET /metrics HTTP/2", "Host: localhost"], "400"),
  ])
  func aRequestIsAnsweredOrRefused(head: [String], status: String) {
    let answer = MetricsAnswer.text(MetricsRequest(head, isLocal: true), metrics: "# EOF\n")
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains("\r\n\r\n# EOF\n") == (status == "200" && !head[0].hasPrefix("HEAD")))
  }

  @Test func aSocketOfThisUserHasNoName() {
    #expect(MetricsRequest(["GET /metrics HTTP/1.1"], isLocal: false) == .metrics(withBody: true))
  }

  @Test(arguments: [1, 3]) func aConnectionGetsOneAnswerAndItsEnd(count: Int) async throws {
    let (connections, feed) = AsyncStream<LineConnection>.makeStream()
    var clients: [LineConnection] = []
    for _ in 0..<count {
      var ends: [Int32] = [-1, -1]
      try #require(ccontrol_pair(&ends) == 0)
      feed.yield(try LineConnection(ends[0]))
      clients.append(try LineConnection(ends[1]))
    }
    feed.finish()
    async let serving: Void = MetricsServer(isLocal: true) { "a 1\n# EOF\n" }.run(connections)
    for client in clients {
      for line in ["GET /metrics HTTP/1.1\r", "Host: localhost\r", "\r"] { client.send(Array(line.utf8)) }
      var lines: [String] = []
      for try await line in client.lines { lines.append(String(decoding: line, as: UTF8.self)) }
      #expect(lines.first == "HTTP/1.1 200 OK\r")
      #expect(lines.contains("Content-Length: 10\r"))
      #expect(lines.suffix(3) == ["\r", "a 1", "# EOF"])
      client.close()
    }
    await serving
  }

  @Test func aClientThatSaysNothingIsLetGo() async throws {
    let (connections, feed) = AsyncStream<LineConnection>.makeStream()
    var ends: [Int32] = [-1, -1]
    try #require(ccontrol_pair(&ends) == 0)
    feed.yield(try LineConnection(ends[0]))
    feed.finish()
    let client = try LineConnection(ends[1])
    await MetricsServer(isLocal: true, patience: .milliseconds(50)) { "" }.run(connections)
    client.close()
  }
}
