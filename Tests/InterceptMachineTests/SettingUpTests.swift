import Testing

@testable import InterceptMachine

struct SettingUpTests {
  @Test("An intercept is set up in this order")
  func order() {
    var bench = Bench()
    let join = Step.join([Bench.web])
    bench.claims.take([8080], of: "web", for: Bench.me)
    let claims = bench.claims
    let rows: [(seen: [Observation], begun: [Step], phase: Phase)] = [
      ([.intercept(Bench.web)], [join], .claiming),
      ([.selector(service: "web", .own(changedBy: nil))], [], .claiming),
      ([.listed(service: "web", Listed(agents: false, origin: true))], [], .claiming),
      ([.finished(join, .joined(claims, agent: "a"))], [], .connecting),
      ([.session(.opened)], [.verify], .probing),
      ([.finished(.verify, .read(claims))], [.probe(port: 8080)], .probing),
      ([.finished(.probe(port: 8080), .done)], [.probe(port: 9090)], .probing),
      ([.finished(.probe(port: 9090), .done)], [.admit], .probing),
      ([.finished(.admit, .admitted(isSteady: true))], [], .listing),
      ([.listed(service: "web", Listed(agents: true, origin: true))], [.divert(service: "web")], .diverting),
      ([.finished(.divert(service: "web"), .done)], [], .settling),
      ([.selector(service: "web", .diverted)], [], .settling),
      ([.listed(service: "web", Listed(agents: true, origin: false))], [.arrive(service: "web")], .settling),
      ([.finished(.arrive(service: "web"), .done)], [.turn(port: 8080, count: 1)], .turning),
      ([.finished(.turn(port: 8080, count: 1), .done)], [], .active),
    ]
    for (seen, begun, phase) in rows {
      #expect(bench.see(seen) == begun, "\(seen)")
      #expect(bench.phase() == phase, "\(seen)")
    }
    #expect(bench.machine.next(at: bench.now).wakeAt == nil, "nothing is left to do")
    #expect(bench.machine.ports(of: "web") == [8080])
    #expect(bench.machine.holds(8080) && !bench.machine.holds(9090))
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var from: Phase
    var seen: [Observation]
    var passes = Duration.zero
    var begun: [Step]
    var phase: Phase
  }

  static let rows: [Row] = [
    Row(
      testDescription: "Ctrl-C before the claims are made", from: .claiming,
      seen: [.leave(service: "web", drain: .zero)], begun: [], phase: .removing),
    Row(
      testDescription: "Ctrl-C, and the claims were made", from: .claiming,
      seen: [
        .leave(service: "web", drain: .zero), .selector(service: "web", .own(changedBy: nil)),
        .listed(service: "web", Listed(agents: false, origin: true)),
        .finished(.join([Bench.web]), .joined(Claims(), agent: "a")),
      ], begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "Ctrl-C while the agent starts", from: .connecting,
      seen: [
        .listed(service: "web", Listed(agents: false, origin: true)), .leave(service: "web", drain: .zero),
        .selector(service: "web", .own(changedBy: nil)),
      ], begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "Others have the ports", from: .claiming,
      seen: [.finished(.join([Bench.web]), .conflict(["bob"]))], begun: [.release(services: ["web"])],
      phase: .removing),
    Row(
      testDescription: "The agent cannot be made", from: .claiming,
      seen: [
        .selector(service: "web", .own(changedBy: nil)), .listed(service: "web", Listed(agents: false, origin: true)),
        .finished(.join([Bench.web]), .failed(Failure("quota", isPassing: false))),
      ], begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "The agent does not start", from: .connecting,
      seen: [.selector(service: "web", .own(changedBy: nil))], passes: .seconds(79), begun: [], phase: .connecting),
    Row(
      testDescription: "The agent does not start within 80 s", from: .connecting,
      seen: [
        .selector(service: "web", .own(changedBy: nil)), .listed(service: "web", Listed(agents: false, origin: true)),
      ], passes: .seconds(80), begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "A session that ends early is opened again", from: .probing,
      seen: [.session(.closed)], begun: [], phase: .connecting),
    Row(
      testDescription: "The divert fails", from: .diverting,
      seen: [.finished(.divert(service: "web"), .failed(Failure("forbidden", isPassing: false)))],
      begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "The divert's answer was lost, and the watch shows it", from: .diverting,
      seen: [
        .selector(service: "web", .diverted),
        .finished(.divert(service: "web"), .failed(Failure("no answer", isPassing: true))),
      ], begun: [.restore(service: "web", always: false)], phase: .leaving),
    Row(
      testDescription: "The claims are another's by then", from: .diverting,
      seen: [
        .finished(
          .divert(service: "web"), .read(Claims(ports: [8080: Claim(holder: "bob", services: ["web"], count: 9)])))
      ],
      begun: [.release(services: ["web"])], phase: .removing),
    Row(
      testDescription: "The agent is deleted before the divert", from: .diverting,
      seen: [.finished(.divert(service: "web"), .read(nil))], begun: [], phase: .agentDeleted),
    Row(
      testDescription: "The endpoints still have the origin", from: .settling,
      seen: [.listed(service: "web", Listed(agents: true, origin: true))], passes: .seconds(14),
      begun: [], phase: .settling),
    Row(
      testDescription: "Connections do not arrive: it goes on all the same", from: .settling,
      seen: [.finished(.arrive(service: "web"), .failed(Failure("no", isPassing: true)))],
      begun: [.turn(port: 8080, count: 1)], phase: .turning),
    Row(
      testDescription: "The agent knows a later claim", from: .turning,
      seen: [.finished(.turn(port: 8080, count: 1), .superseded)], begun: [.verify], phase: .turning),
    Row(
      testDescription: "Turning fails once", from: .turning,
      seen: [.finished(.turn(port: 8080, count: 1), .failed(Failure("no", isPassing: true)))],
      passes: .milliseconds(500), begun: [.turn(port: 8080, count: 1)], phase: .turning),
    Row(
      testDescription: "The Service is deleted meanwhile", from: .listing,
      seen: [.selector(service: "web", .gone)], begun: [], phase: .serviceDeleted),
  ]

  @Test("While it is set up", arguments: rows)
  func settingUp(row: Row) {
    var bench = Bench.at(row.from)
    #expect(bench.phase() == row.from)
    var begun = bench.see(row.seen)
    if row.passes > .zero { begun += bench.pass(row.passes) }
    #expect(begun == row.begun)
    #expect(bench.phase() == row.phase)
  }

  @Test("The endpoints that do not list the agent within 30 s end it")
  func listing() {
    var bench = Bench.at(.listing)
    bench.see(.listed(service: "web", Listed(agents: false, origin: true)))
    #expect(bench.phase() == .listing)
    #expect(bench.pass(.seconds(29)) == [])
    #expect(bench.pass(.seconds(1)) == [.release(services: ["web"])])
    #expect(bench.machine.services["web"]?.end == .late(.listing))
  }

  @Test(
    "Nothing that someone else does to it while it is set up is waited for without end",
    arguments: [
      ([.selector(service: "web", .gone)], .serviceDeleted, 5), ([.agentDeleted], .agentDeleted, 5),
    ] as [([Observation], Phase, Int)])
  func takenAway(seen: [Observation], phase: Phase, limit: Int) {
    var bench = Bench.at(.listing)
    bench.see(seen)
    #expect(bench.phase() == phase)
    bench.pass(.seconds(limit) - .milliseconds(1))
    #expect(bench.machine.services["web"]?.end == nil)
    bench.pass(.milliseconds(1))
    #expect(bench.machine.services["web"]?.end == .late(phase))
  }

  @Test("The endpoints may list an agent that was retired a moment ago: 5 s")
  func steady() {
    var bench = Bench.at(.probing)
    while let step = bench.begun.first, step != .admit { bench.see(bench.answer(step)) }
    bench.finish(.admit, .admitted(isSteady: false))
    #expect(bench.see(.listed(service: "web", Listed(agents: true, origin: true))) == [])
    #expect(bench.pass(.milliseconds(4999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [.divert(service: "web")])
  }

  // MARK: The origin

  @Test("An origin that refuses is tried for 4 attempts", arguments: [(false, 4)])
  func unreached(isPassing: Bool, attempts: Int) {
    var bench = Bench.at(.probing)
    bench.see(.listed(service: "web", Listed(agents: false, origin: true)))
    bench.see(bench.answer(.verify))
    for _ in 1..<attempts {
      bench.fail(.probe(port: 8080), isPassing: isPassing)
      #expect(bench.phase() == .probing)
      bench.pass(.milliseconds(250))
      if bench.begun == [.probe(port: 9090)] { bench.finish(.probe(port: 9090)) }
      bench.pass(.milliseconds(1))
    }
    bench.fail(.probe(port: 8080), isPassing: isPassing)
    #expect(bench.phase() == .removing)
  }

  @Test("A port that nothing serves, of no Service to intercept, hinders nothing")
  func unserved() {
    var bench = Bench.at(.probing)
    bench.see(bench.answer(.verify))
    #expect(bench.finish(.probe(port: 8080)) == [.probe(port: 9090)])
    #expect(bench.fail(.probe(port: 9090), isPassing: false) == [.admit])
  }
}
