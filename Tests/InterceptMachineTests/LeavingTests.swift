import Testing

@testable import InterceptMachine

struct LeavingTests {
  static let alt = Wish(service: "web-alt", ports: [8080])
  static let admin = Wish(service: "admin", ports: [9090])

  @Test("The last intercept ends in this order")
  func order() {
    var bench = Bench.at(.active)
    bench.see(.leave(service: "web", drain: .seconds(30)))
    #expect(
      bench.run() == [
        .unturn(port: 8080), .restore(service: "web", always: false), .release(services: ["web"]), .retire,
      ])
    #expect(bench.phase() == .removing)
    #expect(bench.machine.needsLease)
    // kube-proxy follows the endpoints within a second.
    #expect(bench.pass(.milliseconds(999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [.drain(service: "web", ports: [8080], limit: .seconds(30))])
    #expect(bench.finish(bench.begun[0], .drained(cut: 3)) == [.clean(services: ["web"])])
    #expect(!bench.machine.needsLease)
    bench.finish(.clean(services: ["web"]))
    #expect(bench.machine.isOver)
    #expect(bench.machine.ended.map(\.service) == ["web"])
    #expect(bench.machine.ended.first?.facts.cut == 3)
    bench.machine.forgetEnded()
    #expect(bench.machine.ended.isEmpty)
  }

  @Test("Clients of a headless Service have longer to follow")
  func lag() {
    var bench = Bench.at(.active, Wish(service: "web", ports: [8080], lag: .seconds(30)))
    bench.see(.leave(service: "web", drain: .zero))
    bench.run()
    #expect(bench.pass(.milliseconds(29_999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [.drain(service: "web", ports: [8080], limit: .zero)])
  }

  @Test("The claims are kept until the endpoints have the origin again, for 30 s")
  func endpoints() {
    var bench = Bench.at(.active)
    bench.see(.leave(service: "web", drain: .zero))
    bench.finish(.unturn(port: 8080))
    bench.finish(.restore(service: "web", always: false))
    #expect(bench.begun == [])
    #expect(bench.pass(.seconds(29)) == [])
    #expect(bench.pass(.seconds(1)) == [.release(services: ["web"])])
  }

  @Test("In a hurry it waits for nothing")
  func hurry() {
    var bench = Bench.at(.active)
    bench.see(.hurry, .leave(service: "web", drain: .seconds(5)))
    bench.finish(.unturn(port: 8080))
    #expect(bench.finish(.restore(service: "web", always: false)) == [.release(services: ["web"])])
    let drain = Step.drain(service: "web", ports: [8080], limit: .seconds(5))
    #expect(bench.finish(.release(services: ["web"]), .released(isLast: true)).contains(drain))
  }

  @Test("While the API server is away, the Service is tried again every 10 s", arguments: [1, 7])
  func serverAway(times: Int) {
    var bench = Bench.at(.active)
    let restore = Step.restore(service: "web", always: false)
    bench.see(.leave(service: "web", drain: .zero), .session(.closed))
    #expect(bench.begun == [restore])
    for _ in 0..<times {
      #expect(bench.fail(restore) == [])
      #expect(bench.phase() == .leaving)
      #expect(bench.pass(.milliseconds(9_999)) == [])
      #expect(bench.pass(.milliseconds(1)) == [restore])
    }
    bench.see(bench.answer(restore))
    #expect(bench.phase() == .removing)
  }

  @Test(
    "A release or a removal that fails is tried again",
    arguments: [Step.release(services: ["web"]), .clean(services: ["web"])])
  func again(step: Step) {
    var bench = Bench.at(.active)
    bench.see(.leave(service: "web", drain: .zero))
    while !bench.begun.contains(step) {
      guard let next = bench.begun.first else {
        bench.pass(.seconds(1))
        continue
      }
      bench.see(bench.answer(next))
    }
    bench.fail(step)
    #expect(!bench.begun.contains(step))
    bench.pass(.seconds(10))
    #expect(bench.begun.contains(step))
  }

  @Test("The agent is retired only after the last claim")
  func retire() {
    var bench = Bench.at(.active, Bench.web, Self.admin)
    #expect(bench.phase() == .active && bench.phase("admin") == .active)
    bench.see(.leave(service: "web", drain: .zero))
    var done = bench.run()
    bench.pass(.seconds(1))
    done += bench.run()
    #expect(
      done == [
        .unturn(port: 8080), .restore(service: "web", always: false), .release(services: ["web"]),
        .drain(service: "web", ports: [8080], limit: .zero), .clean(services: ["web"]),
      ])
    #expect(bench.phase("admin") == .active)
    bench.see(.leave(service: "admin", drain: .zero))
    #expect(bench.run().last == .retire)
  }

  @Test("Others' claims keep the agent ready")
  func othersStay() {
    var bench = Bench.at(.active)
    bench.claims.take([9090], of: "admin", for: "bob")
    bench.see(.leave(service: "web", drain: .zero))
    var done = bench.run()
    bench.pass(.seconds(1))
    done += bench.run()
    #expect(!done.contains(.retire))
    #expect(done.last == .clean(services: ["web"]))
  }

  @Test("Of two Services of one port, the port stays with the host until both are left")
  func onePort() {
    var bench = Bench.at(.active, Bench.web, Self.alt)
    #expect(bench.phase() == .active && bench.phase("web-alt") == .active)
    #expect(bench.see(.leave(service: "web", drain: .zero)) == [.restore(service: "web", always: false)])
    var done = bench.run()
    bench.pass(.seconds(1))
    done += bench.run()
    #expect(done.contains(.drain(service: "web", ports: [], limit: .zero)), "web-alt's connections are not cut")
    #expect(!done.contains(.unturn(port: 8080)))
    #expect(bench.phase("web-alt") == .active)
    #expect(bench.see(.leave(service: "web-alt", drain: .zero)) == [.unturn(port: 8080)])
  }

  @Test("A Service that others claim, too, stays diverted")
  func kept() {
    var bench = Bench.at(.active)
    bench.see(.leave(service: "web", drain: .zero))
    bench.finish(.unturn(port: 8080))
    #expect(bench.finish(.restore(service: "web", always: false), .kept) == [.release(services: ["web"])])
    #expect(bench.phase() == .removing)
  }

  @Test("An intercept that is begun again while the former ends needs claims of its own")
  func begunAgain() {
    var bench = Bench.at(.active)
    bench.see(.leave(service: "web", drain: .zero))
    bench.run()
    #expect(bench.see(.intercept(Bench.web)).contains(.join([Bench.web])))
    bench.run()
    #expect(bench.phase() == .active)
    #expect(bench.claims.ports[8080]?.count == 2)
  }

  // MARK: A former daemon's

  @Test("A journal's entry is undone without a session")
  func undo() {
    var bench = Bench()
    bench.claims.take([8080], of: "web", for: Bench.me)
    bench.see(.undo(Bench.web))
    #expect(bench.begun == [], "the selector is not known yet")
    #expect(bench.see(.selector(service: "web", .diverted)) == [.restore(service: "web", always: false)])
    #expect(bench.phase() == .leaving)
    #expect(bench.run() == [.restore(service: "web", always: false), .release(services: ["web"])])
    bench.pass(.seconds(1))
    #expect(bench.run() == [.drain(service: "web", ports: [8080], limit: .zero), .clean(services: ["web"])])
    #expect(bench.machine.isOver)
  }

  @Test(
    "An entry that was never diverted, or whose Service is gone, is removed",
    arguments: [Selector.gone, .own(changedBy: nil)])
  func undoNothing(selector: Selector) {
    var bench = Bench()
    bench.see(
      .undo(Bench.web), .selector(service: "web", selector),
      .listed(service: "web", Listed(agents: false, origin: true)))
    #expect(bench.begun == [.release(services: ["web"])])
  }
}
