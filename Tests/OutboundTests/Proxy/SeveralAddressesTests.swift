import CLinux
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// A proxy's names that have several addresses, as a headless Service's have: some of their Pods may be dead.
@Suite struct SeveralAddressesTests {
  private static let socks: [UInt8] =
    [5, 1, 0, 5, 1, 0, 3, 2] + Array("db".utf8) + Messages.word(80) + Array("GET / HTTP/1.1\r\n\r\n".utf8)

  /// `db` has these addresses; those that end in 1 have a server.
  private func proxy(_ addresses: [[UInt8]], rules: RouteRules = RouteRules()) -> ProxyFixture {
    let proxy = ProxyFixture(rules: rules)
    let port = proxy.web.port
    proxy.harness.agent.tcpTarget = { $0.address.last == 1 ? port : nil }
    proxy.harness.agent.answerDNS = { query in
      guard Messages.asked(query).name == "db.shop.svc.cluster.local" else { return Messages.noSuchName(query) }
      return Messages.answer(query, addresses.map { Messages.record(type: 1, ttl: 30, $0) })
    }
    return proxy
  }

  private func dialed(_ proxy: ProxyFixture) -> [UInt8?] {
    proxy.harness.agent.preambles.filter { $0.kind == .tcp }.map(\.address.last)
  }

  @Test func theNextIsTriedWhereOneRefuses() {
    let proxy = proxy([[10, 0, 0, 3], [10, 0, 0, 2], [10, 0, 0, 1], [10, 0, 0, 4]])
    let answer = proxy.exchange(Self.socks)
    #expect(answer.dropFirst(2).prefix(2) == [5, 0] && String(decoding: answer, as: UTF8.self).hasSuffix("hello\n"))
    #expect(dialed(proxy) == [3, 2, 1])
    #expect(proxy.web.requests == ["GET / HTTP/1.1\r\n\r\n"], "what the client sends arrives once")
    #expect(proxy.exchange("CONNECT db:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").hasSuffix("hello\n"))
    #expect(proxy.exchange("POST http://db/ HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody").hasSuffix("hello\n"))
    #expect(proxy.web.requests.count == 3 && proxy.web.requests[2].hasSuffix("\r\n\r\nbody"))
    #expect(proxy.figures.tcp.viaCluster == 3 && proxy.figures.tcp.refused == 0 && proxy.figures.lastProblem == nil)
    #expect(proxy.harness.loop.turn { proxy.figures.tcp.open == 0 })
  }

  @Test func theLastReasonIsTold() {
    let proxy = proxy([[10, 0, 0, 3], [10, 0, 0, 2]])
    proxy.harness.agent.refusal = .unreachable
    proxy.harness.agent.tcpTarget = { [unowned proxy] in
      if $0.address.last == 2 { proxy.harness.agent.refusal = .refused }
      return nil
    }
    #expect(proxy.exchange(Self.socks).dropFirst(2).prefix(2) == [5, 5])
    #expect(dialed(proxy) == [3, 2] && proxy.figures.tcp.refused == 1)
    #expect(
      proxy.figures.lastProblem?.contains("10.0.0.2:80") == true
        && proxy.figures.lastProblem?.contains("refused") == true)
    #expect(proxy.harness.loop.turn { proxy.figures.tcp.open == 0 })
  }

  /// Its bytes must not arrive twice either: the first may have been reached just when its time was over.
  @Test func oneThatDoesNotAnswerCostsTwoSecondsAndGetsNothing() {
    let proxy = proxy([[10, 0, 0, 9], [10, 0, 0, 1]])
    let agent = SilentAgent(proxy.harness.agent)
    proxy.harness.route(by: agent)
    let started = clinux_monotonic_us()
    let answer = proxy.exchange("POST http://db/ HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
    #expect(answer.hasSuffix("hello\n"))
    #expect((1_900_000...4_000_000).contains(clinux_monotonic_us() - started))
    #expect(agent.silent.count == 1 && agent.silent.allSatisfy { $0.received == 0 && $0.isGone })
  }

  @Test func addressesOfTheHostsAreTriedToo() {
    var rules = RouteRules()
    rules.viaHost = [CIDR(IPAddress(parsing: "127.0.0.2")!)]
    let proxy = proxy([[127, 0, 0, 2], [127, 0, 0, 1]], rules: rules)
    let request =
      [5, 1, 0, 5, 1, 0, 3, 2] + Array("db".utf8) + Messages.word(Int(proxy.web.port))
      + Array("GET / HTTP/1.1\r\n\r\n".utf8)
    #expect(String(decoding: proxy.exchange(request), as: UTF8.self).hasSuffix("hello\n"))
    #expect(dialed(proxy).isEmpty && proxy.figures.tcp.refused == 0)
  }
}

/// Takes streams to an address that ends in 9 and says nothing; the others are another's.
private final class SilentAgent: StreamRouter {
  private let others: StreamRouter
  var silent: [SilentEnd] = []

  init(_ others: StreamRouter) { self.others = others }

  override func route(_ preamble: Preamble, slot: Int, session: Session) -> StreamEnd? {
    guard preamble.kind == .tcp, preamble.address.last == 9 else {
      return others.route(preamble, slot: slot, session: session)
    }
    let end = SilentEnd(session: session, slot: slot)
    silent.append(end)
    return end
  }
}

private final class SilentEnd: StreamEnd {
  private(set) var received = 0
  private(set) var isGone = false
  override func received(_ bytes: UnsafeRawBufferPointer) { received += bytes.count }
  override func wasReset() {
    isGone = true
    session.release(self)
  }
}
