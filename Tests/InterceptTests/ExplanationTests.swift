import ControlAPI
import InterceptMachine
import Testing
import Workloads

@testable import Intercept
@testable import InterceptMachine

struct ExplanationTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var phase: Phase
    var state: InterceptReport.State
    var trouble: Trouble?
    var replaces = false
    var end: ServiceFacts.End?
    var obstacle: Failure?
    /// Words of the message; nil for none.
    var words: [String]? = []

    var testDescription: String { "\(phase) \(trouble.map { "\($0)" } ?? "")\(replaces ? " replacing" : "")" }
  }

  private static let refused = Failure("it answered 403", isPassing: false)

  static let rows: [Row] =
    [.claiming, .connecting, .probing, .listing, .diverting, .settling, .turning].map {
      Row(phase: $0, state: .starting, words: nil)
    } + [
      Row(phase: .active, state: .active, words: nil),
      Row(phase: .failedOpen, state: .failedOpen, trouble: .silent, words: ["nothing has been heard", "origin"]),
      Row(phase: .failedOpen, state: .failedOpen, trouble: .agentEnds, words: ["being replaced", "origin"]),
      Row(phase: .failedOpen, state: .failedOpen, trouble: .closed, words: ["opened again", "origin"]),
      Row(phase: .failedOpen, state: .failedOpen, words: ["origin"]),
      Row(
        phase: .failedOpen, state: .failedOpen, obstacle: refused,
        words: ["origin", "it answered 403", "tried again"]),
      Row(
        phase: .failedOpen, state: .failedOpen, replaces: true,
        words: ["Deployment web is scaled to zero", "nothing serves", "devtunnel leave web"]),
      Row(phase: .givenBack, state: .failedOpen, words: ["no agent Pod is ready", "own selector", "diverted again"]),
      Row(
        phase: .givenBack, state: .failedOpen, obstacle: refused,
        words: ["diverted again", "it answered 403", "tried again"]),
      Row(phase: .changedBack(by: "argocd"), state: .failedOpen, words: ["changed back by argocd", "Pause"]),
      Row(phase: .agentDeleted, state: .failedOpen, words: ["deleted the agent", "devtunnel leave web"]),
      Row(phase: .serviceDeleted, state: .failedOpen, words: ["was deleted", "devtunnel leave web"]),
      Row(phase: .leaving, state: .leaving, end: .left, words: nil),
      Row(phase: .removing, state: .leaving, end: .left, words: nil),
      Row(
        phase: .leaving, state: .leaving, end: .left, obstacle: refused,
        words: ["cannot be undone now", "it answered 403", "tried again"]),
      Row(
        phase: .removing, state: .leaving, end: .failed(Failure("x", isPassing: false)), obstacle: refused,
        words: ["cannot be undone now", "it answered 403"]),
      Row(
        phase: .removing, state: .leaving, end: .lost(to: ["bob@desk", "anna@pc"]),
        words: ["anna@pc, bob@desk has taken"]),
      Row(phase: .removing, state: .leaving, end: .lost(to: []), words: ["someone else undid"]),
      Row(
        phase: .leaving, state: .leaving, end: .lost(to: ["bob@desk"]), obstacle: refused,
        words: ["bob@desk has taken", "it answered 403"]),
    ]

  @Test("Each phase has its state and its words", arguments: rows)
  func phase(row: Row) {
    var facts = ServiceFacts(Wish(service: "web", ports: [8080]), at: .zero)
    facts.end = row.end
    facts.obstacle = row.obstacle
    #expect(Explanation.state(row.phase) == row.state)
    let message = Explanation.message(
      row.phase, facts, row.trouble, service: "web", origin: "Deployment web", replaces: row.replaces,
      reader: "alice@laptop")
    guard let words = row.words else {
      #expect(message == nil)
      return
    }
    for word in words { #expect(message?.contains(word) == true, "\(word): \(message ?? "nothing")") }
  }

  @Test("Holders are told by name, and another installation of the reader's name as such")
  func holders() {
    let reader = Explanation.lost(to: ["alice@laptop_" + String(repeating: "2b", count: 16)], reader: "alice@laptop")
    #expect(reader.contains("alice@laptop (another installation of that name)") && !reader.contains("2b2b"))
    let error = Explanation.conflict(["bob@desk"], service: "web-alt", workload: "web", reader: "alice@laptop")
    #expect(error.code == .conflict)
    #expect(error.message.contains("web-alt is intercepted by bob@desk"))
    #expect(error.remedy?.contains("--take-over") == true)
  }

  @Test("Connections that the host did not take: how many, and why")
  func fallBacks() {
    #expect(Explanation.fallBacks(1, .refused, joined: nil).contains("the host's port refused one connection"))
    #expect(Explanation.fallBacks(3, .timedOut, joined: nil).contains("3 connections within a second"))
    #expect(Explanation.fallBacks(2, .exhausted, joined: nil).contains("ulimit -n"))
    #expect(Explanation.fallBacks(2, nil, joined: nil).contains("which went to the origin"))
  }

  @Test("Ready Pods that refuse: a NetworkPolicy is named")
  func refusals() {
    #expect(Explanation.refusal(by: "Deployment/web", port: 8080, readyPods: 0).remedy?.contains("healthy") == true)
    let rejected = Explanation.refusal(by: "Deployment/web", port: 8080, readyPods: 2)
    #expect(rejected.remedy?.contains("NetworkPolicy") == true)
    #expect(rejected.message.contains("2 of them are ready"))
  }

  @Test("No address: it is DNS that is to be looked at")
  func unreachable() {
    #expect(
      Explanation.unreachable("Deployment/web", port: 8080, .nameNotFound, addresses: 0).remedy?.contains("port 53")
        == true)
    let dropped = Explanation.unreachable("Deployment/web", port: 8080, .timedOut, addresses: 2)
    #expect(dropped.message.contains("2 addresses known") && dropped.remedy?.contains("NetworkPolicy") == true)
  }

  @Test("A conflict of rules names the rules that both have, and their holder")
  func conflictOfRules() {
    let plan = InterceptPlan(
      namespace: "shop", service: "web", workload: Workload(kind: "Deployment", name: "web"), container: "web",
      ports: [PlannedPort(servicePort: 80, name: "http", podPort: 8080, localPort: 3000, speaksHTTP2: false)],
      listen: [8080], selector: ["app": "web"], nodes: [], warnings: [])
    var claims = Claims()
    claims.take([8080], of: "web", for: "carol@tower")
    claims.take(
      [8080], of: "web", for: "bob@desk", rules: ["path /b", "header x-devtunnel=a\nmethod GET"],
      since: "2026-01-02T03:04:05Z")
    let error = Explanation.conflict(
      claims, ["bob@desk"], plan: plan, rules: ["path /c", "header x-devtunnel=a\nmethod GET"], reader: "alice@laptop")
    #expect(
      error.message == "Service web: port 80: requests with header x-devtunnel: a and method GET are intercepted by "
        + "bob@desk since 2026-01-02 03:04 UTC")
    #expect(error.code == .conflict && error.remedy?.contains("--personal=NAME") == true)
    #expect(Explanation.conflict(claims, ["carol@tower"], plan: plan, reader: "x").message.contains("carol@tower"))
  }
}
