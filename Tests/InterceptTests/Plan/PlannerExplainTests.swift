import Agents
import ControlAPI
import InterceptMachine
import Testing

@testable import Intercept

/// The takers of a request.
struct PlannerExplainTests {
  private static let claims: Claims = {
    var claims = Claims()
    claims.take([8080], of: "web", for: "carol@tower")
    claims.take([8080], of: "web", for: "bob@desk", rules: ["path /api/*", "path /api/v2/*"])
    claims.take([8080], of: "web", for: "alice@laptop", rules: ["header x=a\nmethod GET"])
    claims.take([8080], of: "web", for: "dave@desk", rules: ["path /api/v2/*x", "path /ap*/"])
    claims.take([9090], of: "admin", for: "dave@desk", rules: ["path *"])
    return claims
  }()

  private static let whole = ExplainReport.Taker(holder: "carol@tower", rule: nil)
  private static func taker(_ holder: String?, _ rule: String...) -> ExplainReport.Taker {
    ExplainReport.Taker(holder: holder, rule: rule)
  }

  static let rows: [(String, String, [ExplainReport.Taker])] = [
    ("/", "b", [whole]),
    ("/api/1", "b", [taker("bob@desk", "path /api/*"), whole]),
    ("/api/v2/1", "b", [taker("bob@desk", "path /api/v2/*"), whole]),
    ("/api/v2/x?y=z", "b", [taker("dave@desk", "path /api/v2/*x"), taker("bob@desk", "path /api/v2/*"), whole]),
    ("/api/", "b", [taker("bob@desk", "path /api/*"), taker("dave@desk", "path /ap*/"), whole]),
    (
      "/api/1", "a",
      [taker("alice@laptop", "header x=a", "method GET"), taker("bob@desk", "path /api/*"), whole]
    ),
  ]

  @Test("The strictest rule first, then the older one, then the holder of all", arguments: rows)
  func order(target: String, header: String, takers: [ExplainReport.Taker]) {
    let request = ExplainRequest(
      InterceptRequest(cluster: ClusterSelection(), service: "web", ports: []), method: "GET", target: target,
      headers: [.init("X", header)])
    let found = Planner.takers(of: request.head, port: 8080, Self.claims, besides: nil, reader: "alice@laptop")
    #expect(found == takers)
  }

  @Test("An intercept that does not exist yet has its place, too")
  func proposed() {
    let request = ExplainRequest(
      InterceptRequest(cluster: ClusterSelection(), service: "web", ports: []), method: "GET", target: "/api/1")
    let found = Planner.takers(
      of: request.head, port: 8080, Self.claims, besides: RequestRules(texts: ["path /api/1", "path /x"]), reader: "x")
    #expect(found == [Self.taker(nil, "path /api/1"), Self.taker("bob@desk", "path /api/*"), Self.whole])
    #expect(Planner.takers(of: request.head, port: 7070, Self.claims, besides: nil, reader: "x").isEmpty)
  }

  @Test("Holders that get copies are told apart from the one that takes the request")
  func copies() {
    var claims = Self.claims
    claims.take([8080], of: "web", for: "zoe@host", rules: ["copy *", "copy *\nmethod GET"])
    claims.take([8080], of: "web", for: "yan@host", rules: ["copy *\nmethod PUT"])
    let request = ExplainRequest(
      InterceptRequest(cluster: ClusterSelection(), service: "web", ports: []), method: "GET", target: "/")
    let found = Planner.copies(
      of: request.head, port: 8080, claims, besides: RequestRules(texts: ["copy *\npath /"]), reader: "x@y")
    #expect(found.map(\.holder) == ["zoe@host", nil])
    #expect(found.map(\.rule) == [["copy *", "method GET"], ["copy *", "path /"]])
    let takers = Planner.takers(of: request.head, port: 8080, claims, besides: nil, reader: "x@y")
    #expect(!takers.contains { $0.holder == "zoe@host" })
  }
}
