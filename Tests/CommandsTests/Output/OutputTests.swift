import ControlAPI
import Foundation
import Testing

@testable import Commands

struct OutputTests {
  private let dev = ClusterIdentity(uid: "1", server: "https://dev"),
    live = ClusterIdentity(uid: "2", server: "https://live")

  @Test func columnsAreAsWideAsTheirWidestCell() {
    var table = Table("A", "LONG", "C")
    table.add("wide cell", nil, "x")
    table.add("ü", "y", "z")
    #expect(table.lines() == ["A          LONG  C", "wide cell  -     x", "ü          y     z"])
    #expect(table.lines(indent: 2)[1] == "  wide cell  -     x")
  }

  @Test func theListSaysWhoHasWhatAndWhyNot() {
    let entries = [
      ListEntry(
        context: "dev", namespace: "t", service: "user", ports: ["80/http", "90"], workload: "Deployment/user",
        obstacle: nil, interceptedBy: "alice@laptop",
        since: "10:02"),
      ListEntry(
        context: "dev", namespace: "t", service: "db", ports: ["5432"], workload: nil, obstacle: "it is headless",
        interceptedBy: nil, since: nil),
      ListEntry(
        context: "dev", namespace: "t", service: "cart", ports: ["80"], workload: "Deployment/cart", obstacle: nil,
        interceptedBy: nil, since: nil),
    ]
    #expect(
      entries.lines(allNamespaces: false) == [
        "SERVICE  PORTS       WORKLOAD         STATE",
        "user     80/http,90  Deployment/user  intercepted by alice@laptop since 10:02",
        "db       5432        -                unavailable: it is headless",
        "cart     80          Deployment/cart  available",
      ])
    #expect(entries.lines(allNamespaces: true)[0].hasPrefix("NAMESPACE"))
    #expect(entries.lines(allNamespaces: false, allContexts: true)[2].hasPrefix("dev      db"))
  }

  @Test func statusShowsEachPortAndEachProblem() {
    let status = StatusReport(
      daemon: DaemonReport(pid: 12, version: "0.1.0", since: "now", socket: "/s", log: "/l"),
      intercepts: [
        InterceptReport(
          context: "dev", cluster: dev, namespace: "t", service: "user", workload: "Deployment/user",
          state: .failedOpen,
          ports: [.init(service: 80, name: "http", target: 8080, host: "127.0.0.1:8080", toHost: 3, toOrigin: 1)],
          holder: "a@b", since: "now",
          message: "the host refuses", warnings: ["old connections remain"])
      ],
      forwards: [
        ForwardReport(
          id: "f1", context: "dev", namespace: "t", target: "db",
          ports: [.init(host: "127.0.0.1:1", remote: "5432", lastProblem: "reset")])
      ])
    let lines = status.lines
    #expect(lines[0] == "Daemon 0.1.0, pid 12, since now.")
    #expect(lines.contains { $0.contains("failedOpen") && $0.contains("80/http") && $0.contains("127.0.0.1:8080") })
    #expect(lines.contains("  user: the host refuses"))
    #expect(lines.contains("  user: old connections remain"))
    #expect(lines.contains("  f1 port 5432: reset"))
  }

  @Test(
    "Says how many connections are on the origin, and why",
    arguments: [
      ([.refused: 1], "user: 1 connection to port 80 is on the origin: 1 was refused here"),
      (
        [.refused: 2, .earlier: 1],
        "user: 3 connections to port 80 are on the origin: 1 came before the intercept, 2 were refused here"
      ),
      ([.away: 4], "user: 4 connections to port 80 are on the origin: 4 came while the tunnel was away"),
    ] as [([InterceptReport.Port.OriginCause: Int], String)])
  func onOrigin(causes: [InterceptReport.Port.OriginCause: Int], line: String) throws {
    var port = InterceptReport.Port(service: 80, name: nil, target: 8080, host: "127.0.0.1:8080")
    port.onOrigin = causes
    let report = InterceptReport(
      context: "dev", cluster: dev, namespace: "t", service: "user", workload: "Deployment/user", state: .active,
      ports: [port], holder: "a@b", since: "now")
    #expect(StatusReport(daemon: nil, intercepts: [report]).lines.contains("  " + line))
    let json = String(decoding: try JSONEncoder().encode(port), as: UTF8.self)
    #expect(json.contains("\"onOrigin\":{"))
    #expect(try JSONDecoder().decode(InterceptReport.Port.self, from: Data(json.utf8)) == port)
  }

  @Test func aColleagueOnTheSameWorkloadIsNamed() {
    var report = InterceptReport(
      context: "dev", cluster: dev, namespace: "t", service: "web", workload: "Deployment/web", state: .active,
      ports: [], holder: "a@b", since: "now")
    report.others = [InterceptReport.Neighbour(holder: "bob@desk", services: ["admin", "web-alt"])]
    let lines = StatusReport(daemon: nil, intercepts: [report]).lines
    #expect(lines.contains("  web: bob@desk intercepts admin, web-alt of the same workload"))
  }

  @Test func anInterceptIntoAnotherClusterSaysWhere() {
    let report = InterceptReport(
      context: "dev", cluster: dev, namespace: "t", service: "user", workload: "Deployment/user", state: .active,
      ports: [
        .init(service: 80, name: "http", target: 8080, host: nil, to: 80),
        .init(service: 81, name: nil, target: 9090, host: nil),
      ], holder: "a@b",
      since: "now", to: .init(context: "kind", namespace: "default", target: "svc/user"))
    #expect(report.summary.suffix(2) == ["  port 80 (http) → kind/default/svc/user:80", "  port 81 → the origin"])
    #expect(StatusReport(daemon: nil, intercepts: [report]).lines.contains { $0.contains("kind/default/svc/user:80") })
  }

  @Test func whatWasLeftNamesItsContextWhereThereAreSeveral() {
    let user = InterceptID(cluster: dev, namespace: "t", service: "user")
    let cart = InterceptID(cluster: live, namespace: "t", service: "cart")
    #expect(
      [LeaveReport(user, context: "dev", cut: 1)].lines == [
        "Service user in namespace t is restored; 1 connection was cut."
      ])
    #expect(
      [LeaveReport(user, context: "dev", cut: 0), LeaveReport(cart, context: "live", cut: 0)].lines == [
        "Service user in namespace t of context dev is restored.",
        "Service cart in namespace t of context live is restored.",
      ])
  }

  @Test func anErrorHasMessageDetailsAndRemedyInThisOrder() {
    let error = ControlError(
      .failed, "no agent", remedy: "ask for the permission", details: ["event one", "event two"])
    #expect(
      ErrorOutput.lines(error) == ["devtunnel: no agent", "  event one", "  event two", "ask for the permission"])
  }

  @Test func bytesAreReadable() {
    #expect(
      [0, 999, 1_000, 1_550_000, 2_000_000_000].map { ByteCount.text($0) } == [
        "0 B", "999 B", "1.0 kB", "1.6 MB", "2.0 GB",
      ])
  }

  @Test func jsonIsTheReportWithSortedKeys() throws {
    let check = DoctorCheck("API server", .failed, "no/route", remedy: nil)
    #expect(
      try JSONOutput.text([check])
        == """
        [
          {
            "detail" : "no/route",
            "name" : "API server",
            "outcome" : "failed"
          }
        ]
        """
    )
  }

  @Test func checksShowTheirRemedy() {
    let lines = [DoctorCheck("a", .ok, "fine"), DoctorCheck("longer", .failed, "broken", remedy: "mend it")].lines(
      Terminal(-1))
    #expect(lines == ["ok       a       fine", "FAILED   longer  broken", "         → mend it"])
  }

  @Test func aPersonalInterceptSaysWhichRequestsItTakes() throws {
    var report = InterceptReport(
      context: "dev", cluster: dev, namespace: "t", service: "user", workload: "Deployment/user", state: .active,
      ports: [.init(service: 80, name: nil, target: 8080, host: "127.0.0.1:8080")], holder: "a@b", since: "now")
    report.rules = RequestRules(texts: ["header x-devtunnel=a", "baggage devtunnel=a\npath /api/*"])
    let text = "requests with baggage devtunnel=a and path /api/*, or with header x-devtunnel: a"
    #expect(StatusReport(daemon: nil, intercepts: [report]).lines.contains("  user: \(text)"))
    #expect(report.summary.contains { $0.hasPrefix("  \(text)") })
    report.others = [.init(holder: "c@d", services: ["user"], rules: RequestRules(texts: ["path /x"]))]
    #expect(
      StatusReport(daemon: nil, intercepts: [report]).lines.contains(
        "  user: c@d intercepts user of the same workload: requests with path /x"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    let json = try encoder.encode(report)
    #expect(
      String(decoding: json, as: UTF8.self).contains(
        #""rules":[["baggage devtunnel=a","path /api/*"],["header x-devtunnel=a"]]"#))
    #expect(try JSONDecoder().decode(InterceptReport.self, from: json) == report)
  }

  @Test(arguments: [#"[]"#, #"[[]]"#, #"[["host /"]]"#, #"["path /"]"#, #"[["path /"],[]]"#])
  func rulesThatAreNoneAreNotDecoded(json: String) {
    #expect(throws: (any Error).self) { try JSONDecoder().decode(RequestRules.self, from: Data(json.utf8)) }
  }

  @Test func anExplanationNamesWhoGetsARequestAndWhoWouldBeNext() {
    func report(_ takers: [ExplainReport.Taker]) -> ExplainReport {
      ExplainReport(
        context: "dev", namespace: "t", service: "user", ports: [.init(service: 80, name: "http", takers: takers)])
    }
    #expect(
      report([]).lines("GET /") == [
        "GET / to port 80 (http) of Service user goes to the workload's own Pods: no rule matches."
      ])
    let takers: [ExplainReport.Taker] = [
      .init(holder: nil, rule: ["header x=a", "path /b"]), .init(holder: "bob@desk", rule: nil),
    ]
    #expect(
      report(takers).lines("GET /") == [
        "GET / to port 80 (http) of Service user goes to this intercept, by the rule: header x: a and path /b.",
        "  Behind it: bob@desk, who has the whole port.",
      ])
  }
}
