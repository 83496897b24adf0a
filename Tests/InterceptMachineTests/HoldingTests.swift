import Testing

@testable import InterceptMachine

/// An intercept that is active.
struct HoldingTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var seen: [Observation]
    var begun: [Step] = []
    var phase: Phase
  }

  static let rows: [Row] = [
    Row(testDescription: "The session ends", seen: [.session(.closed)], phase: .failedOpen),
    Row(testDescription: "The session falls silent", seen: [.session(.silent)], phase: .failedOpen),
    Row(
      testDescription: "A silent session is heard again", seen: [.session(.silent), .session(.heardAgain)],
      phase: .active),
    Row(
      testDescription: "The session comes back", seen: [.session(.closed), .session(.opened)], begun: [.verify],
      phase: .failedOpen),
    Row(testDescription: "The agent ends", seen: [.agentEnds], phase: .failedOpen),
    Row(
      testDescription: "Another session has the port", seen: [.superseded(port: 8080)], begun: [.verify],
      phase: .failedOpen),
    Row(
      testDescription: "A controller takes the selector back",
      seen: [.selector(service: "web", .own(changedBy: "argocd"))], begun: [.unturn(port: 8080)],
      phase: .changedBack(by: "argocd")),
    Row(
      testDescription: "devtunnel gave it back", seen: [.selector(service: "web", .own(changedBy: nil))],
      begun: [.divert(service: "web"), .unturn(port: 8080)], phase: .givenBack),
    Row(
      testDescription: "The Service is deleted", seen: [.selector(service: "web", .gone)],
      begun: [.unturn(port: 8080)], phase: .serviceDeleted),
    Row(
      testDescription: "The Service is deleted and made again",
      seen: [.selector(service: "web", .gone), .selector(service: "web", .own(changedBy: nil))],
      begun: [.divert(service: "web"), .unturn(port: 8080)], phase: .givenBack),
    Row(
      testDescription: "The agent is deleted", seen: [.agentDeleted],
      begun: [.restore(service: "web", always: false), .unturn(port: 8080)], phase: .agentDeleted),
    Row(
      testDescription: "The endpoints lose the agent",
      seen: [.listed(service: "web", Listed(agents: false, origin: false))], phase: .active),
    Row(
      testDescription: "The endpoints list the origin for a moment",
      seen: [.listed(service: "web", Listed(agents: true, origin: true))], phase: .active),
    Row(
      testDescription: "Someone leaves", seen: [.leave(service: "web", drain: .zero)], begun: [.unturn(port: 8080)],
      phase: .leaving),
    Row(
      testDescription: "Someone leaves without a session",
      seen: [.session(.closed), .leave(service: "web", drain: .zero)],
      begun: [.restore(service: "web", always: false)], phase: .leaving),
  ]

  @Test("From active", arguments: rows)
  func active(row: Row) {
    var bench = Bench.at(.active)
    #expect(bench.phase() == .active)
    #expect(bench.see(row.seen) == row.begun)
    #expect(bench.phase() == row.phase)
  }

  @Test("Without an agent for 2 s the Service gets its selector back, and is diverted again with one")
  func givenBack() {
    var bench = Bench.at(.active)
    bench.see(.listed(service: "web", Listed(agents: false, origin: false)), .session(.closed))
    #expect(bench.pass(.milliseconds(1999)) == [])
    let restore = Step.restore(service: "web", always: true)
    #expect(bench.pass(.milliseconds(1)) == [restore])
    bench.finish(restore)
    bench.see(.listed(service: "web", Listed(agents: false, origin: true)))
    #expect(bench.phase() == .givenBack)

    // A new Pod: nothing is turned in it, and it has to be admitted.
    #expect(bench.see(.session(.opened)) == [.verify])
    #expect(bench.see(bench.answer(.verify)) == [.admit])
    #expect(bench.finish(.admit, .admitted(isSteady: true)) == [])
    #expect(bench.see(.listed(service: "web", Listed(agents: true, origin: true))) == [.divert(service: "web")])
    #expect(bench.run() == [.divert(service: "web"), .arrive(service: "web"), .turn(port: 8080, count: 1)])
    #expect(bench.phase() == .active)
  }

  @Test("An agent that comes back within 2 s changes nothing")
  func shortAbsence() {
    var bench = Bench.at(.active)
    bench.see(.listed(service: "web", Listed(agents: false, origin: false)))
    bench.pass(.milliseconds(1900))
    bench.see(.listed(service: "web", Listed(agents: true, origin: false)))
    #expect(bench.pass(.seconds(60)) == [])
    #expect(bench.phase() == .active)
  }

  @Test("Giving back is tried again each second")
  func givingBackFails() {
    var bench = Bench.at(.active)
    bench.see(.listed(service: "web", Listed(agents: false, origin: false)))
    let restore = Step.restore(service: "web", always: true)
    #expect(bench.pass(.seconds(2)) == [restore])
    #expect(bench.fail(restore) == [])
    #expect(bench.machine.services["web"]?.obstacle != nil)
    #expect(bench.pass(.milliseconds(999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [restore])
    bench.finish(restore)
    #expect(bench.machine.services["web"]?.obstacle == nil)
  }

  @Test("A controller's change is final: nothing is diverted again")
  func changedBack() {
    var bench = Bench.at(.active)
    bench.see(.selector(service: "web", .own(changedBy: "argocd")))
    bench.run()
    bench.see(.listed(service: "web", Listed(agents: true, origin: true)))
    #expect(bench.pass(.seconds(600)) == [])
    #expect(bench.phase() == .changedBack(by: "argocd"))
  }

  // MARK: Others

  @Test("A take-over of all ports ends it")
  func takenOver() {
    var bench = Bench.at(.active)
    bench.claims.take([8080], of: "web", for: "bob")
    bench.see(.superseded(port: 8080))
    // Bob uses the Service: it stays diverted.
    #expect(bench.see(bench.answer(.verify)) == [.restore(service: "web", always: false)])
    #expect(bench.machine.services["web"]?.end == .lost(to: ["bob"]))
    #expect(bench.finish(.restore(service: "web", always: false), .kept) == [.release(services: ["web"])])
    #expect(bench.phase() == .removing)
  }

  @Test("A port that a later claim keeps is asked for once a second")
  func laterClaim() {
    var bench = Bench.at(.turning)
    let turn = Step.turn(port: 8080, count: 1)
    #expect(bench.finish(turn, .superseded) == [.verify])
    #expect(bench.see(bench.answer(.verify)) == [])
    #expect(bench.pass(.milliseconds(999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [turn])
  }

  @Test("A take-over of one of two ports leaves the other")
  func takenOverInPart() {
    var bench = Bench.at(.active, Wish(service: "all", ports: [8080, 9090]))
    #expect(bench.phase("all") == .active)
    bench.claims.take([9090], of: "admin", for: "bob")
    #expect(bench.see(.superseded(port: 9090)) == [.verify])
    #expect(bench.see(bench.answer(.verify)) == [])
    #expect(bench.phase("all") == .active)
    #expect(bench.machine.ports(of: "all") == [8080])
    #expect(!bench.machine.holds(9090))
  }

  @Test("A laptop that wakes up looks whether the claims are still its own")
  func woken() {
    var bench = Bench.at(.active)
    bench.claims.take([8080], of: "web", for: "bob")
    #expect(bench.see(.session(.closed), .session(.opened)) == [.verify])
    #expect(bench.see(bench.answer(.verify)) == [.restore(service: "web", always: false)])
    #expect(bench.machine.services["web"]?.end == .lost(to: ["bob"]))
  }

  // MARK: Rules

  private static let personal = Wish(service: "web", ports: [8080], rules: ["a", "b"])

  @Test("The rules are turned, and ended, by themselves")
  func personal() {
    var bench = Bench()
    bench.see(.intercept(Self.personal))
    #expect(bench.run().last == .turn(port: 8080, count: 1, rules: ["a", "b"]))
    #expect(bench.phase() == .active)
    #expect(!bench.machine.holds(8080))
    #expect(bench.machine.claim(to: 8080, through: "web")?.rules == ["a", "b"])
    #expect(bench.see(.leave(service: "web", drain: .zero)) == [.unturn(port: 8080, matching: true)])
    bench.run()
    bench.pass(.seconds(20))
    bench.run()
    #expect(bench.claims.isEmpty && bench.machine.isOver)
  }

  @Test("Somebody else's intercept of all of the port changes nothing")
  func beside() {
    var bench = Bench.at(.active, Self.personal)
    bench.claims.take([8080], of: "web", for: "bob")
    #expect(bench.see(.session(.closed), .session(.opened)) == [.verify])
    #expect(bench.run() == [.verify, .admit, .turn(port: 8080, count: 1, rules: ["a", "b"])])
    #expect(bench.phase() == .active)
    #expect(bench.machine.others == ["bob": ["web"]])
  }

  @Test("A take-over of one rule leaves the other; one of both ends it")
  func ruleTakenOver() {
    var bench = Bench.at(.active, Self.personal)
    bench.claims.take([8080], of: "web", for: "bob", rules: ["a"])
    #expect(bench.see(.superseded(port: 8080)) == [.verify])
    #expect(bench.phase() == .failedOpen)
    #expect(bench.run() == [.verify, .turn(port: 8080, count: 1, rules: ["b"])])
    #expect(bench.phase() == .active)
    bench.claims.take([8080], of: "web", for: "carol", rules: ["b"])
    bench.see(.superseded(port: 8080))
    #expect(bench.see(bench.answer(.verify)) == [.restore(service: "web", always: false)])
    #expect(bench.machine.services["web"]?.end == .lost(to: ["bob", "carol"]))
  }

  @Test("All of a port by one Service and rules by another have a turn each")
  func both() {
    var bench = Bench.at(.active)
    bench.see(.intercept(Wish(service: "alt", ports: [8080], rules: ["a"])))
    #expect(bench.run().last == .turn(port: 8080, count: 2, rules: ["a"]))
    #expect(bench.phase("web") == .active && bench.phase("alt") == .active)
    #expect(bench.see(.leave(service: "web", drain: .zero)) == [.unturn(port: 8080)])
    bench.run()
    #expect(bench.phase("alt") == .active)
  }

  @Test("Rules by two Services are turned together")
  func union() {
    var bench = Bench.at(.active, Self.personal)
    bench.see(.intercept(Wish(service: "alt", ports: [8080], rules: ["c"])))
    #expect(bench.run().last == .turn(port: 8080, count: 2, rules: ["a", "b", "c"]))
    bench.see(.leave(service: "web", drain: .zero))
    #expect(bench.run().contains(.turn(port: 8080, count: 2, rules: ["c"])))
    #expect(bench.phase("alt") == .active)
  }
}
