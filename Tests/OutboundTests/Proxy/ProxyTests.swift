import CLinux
import Glibc
import Relay
import TestSupport
import Testing
import TunnelProtocol

@testable import Outbound

/// A proxy whose cluster is a small web server behind a small agent.
final class ProxyFixture {
  let harness: Harness
  let port: UInt16
  let web: WebServer

  init(rules: RouteRules = RouteRules(), access: ProxyAccess = .thisMachine) {
    harness = Harness(rules: rules)
    let (fd, port) = listening()
    self.port = port
    harness.outbound.listenProxy(fd: fd, access: access)
    let web = WebServer(loop: harness.loop)
    self.web = web
    harness.agent.tcpTarget = { _ in web.port }
    harness.agent.answerDNS = { query in
      Messages.asked(query).name == "user.shop.svc.cluster.local"
        ? Messages.a(query, [10, 96, 0, 7]) : Messages.noSuchName(query)
    }
  }

  deinit { web.close() }

  var figures: OutboundFigures { harness.outbound.figures }
  func client() -> TestClient { TestClient(loop: harness.loop, port: port) }

  /// Sends all and waits for the end.
  func exchange(_ bytes: [UInt8]) -> [UInt8] {
    let client = client()
    client.send(bytes)
    #expect(harness.loop.turn { client.sawEnd || client.sawReset })
    client.close()
    return client.received
  }

  func exchange(_ text: String) -> String { String(decoding: exchange(Array(text.utf8)), as: UTF8.self) }
}

/// Answers each request with what it was asked, and closes.
final class WebServer: Listener {
  let port: UInt16
  var requests: [String] = []
  var clients: [TestClient] = []

  init(loop: EventLoop) {
    let (fd, port) = listening()
    self.port = port
    super.init(loop: loop, fd: fd)
    start()
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    _ = WebConnection(loop: loop, fd: connection, server: self)
  }
}

private final class WebConnection: Handler {
  private let loop: EventLoop
  private let fd: Int32
  private let server: WebServer
  private var request = ""

  init(loop: EventLoop, fd: Int32, server: WebServer) {
    self.loop = loop
    self.fd = fd
    self.server = server
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var isOver = false
    while true {
      let count = clinux_receive(fd, &buffer, buffer.count)
      if count == -Int(clinux_EAGAIN) { break }
      guard count > 0 else {
        isOver = true
        break
      }
      request += String(decoding: buffer[..<count], as: UTF8.self)
    }
    if request.contains("\r\n\r\n"), !request.contains("Content-Length: 4\r\n") || request.hasSuffix("body") {
      server.requests.append(request)
      request = ""
      let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n".utf8)
      _ = answer.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
      isOver = true
    }
    guard isOver else { return }
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}

@Suite struct SOCKSTests {
  private func request(_ name: String, port: Int = 80, command: UInt8 = 1) -> [UInt8] {
    [5, 1, 0] + [5, command, 0, 3, UInt8(name.utf8.count)] + Array(name.utf8) + Messages.word(port)
  }
  private static let get = Array("GET / HTTP/1.1\r\nHost: user\r\n\r\n".utf8)

  @Test func dataBehindTheRequestPassesThrough() {
    let proxy = ProxyFixture()
    let answer = proxy.exchange(request("user.shop.svc.cluster.local") + Self.get)
    #expect(Array(answer.prefix(12)) == [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    #expect(String(decoding: answer.dropFirst(12), as: UTF8.self).hasSuffix("hello\n"))
    #expect(
      proxy.harness.agent.preambles == [Preamble(.tcp, port: 80, address: Array("user.shop.svc.cluster.local".utf8))])
    #expect(proxy.figures.proxy.socks == 1)
  }

  @Test func singleBytesAreEnough() {
    let proxy = ProxyFixture()
    let client = proxy.client()
    for byte in request("user.shop.svc.cluster.local") {
      client.send([byte])
      proxy.harness.loop.turn(maximumWait: 1)
    }
    #expect(proxy.harness.loop.turn { client.received.count == 12 })
    client.send(Self.get)
    #expect(proxy.harness.loop.turn { client.sawEnd })
    #expect(client.text.hasSuffix("hello\n"))
    client.close()
  }

  @Test func shortNamesAreCompletedAsInThePod() {
    let proxy = ProxyFixture()
    for name in ["user", "user.shop", "user.shop.svc"] {
      #expect(proxy.exchange(request(name) + Self.get).dropFirst(3).first == 0)
    }
    let tcp = proxy.harness.agent.preambles.filter { $0.kind == .tcp }
    #expect(tcp == Array(repeating: Preamble(.tcp, port: 80, address: [10, 96, 0, 7]), count: 3))
  }

  @Test func namesThatLookLikeAddressesGetADot() {
    let proxy = ProxyFixture()
    _ = proxy.exchange(request("ab.cluster.local") + Self.get)
    #expect(proxy.harness.agent.preambles.map(\.address) == [Array("ab.cluster.local.".utf8)])
  }

  /// Each backslash is two bytes in a name's text: one byte could not say how many, and the rest would go to a stranger
  /// as payload.
  @Test func aNameWhoseTextIsTooLongLeadsNowhere() {
    let proxy = ProxyFixture()
    let label = String(repeating: "\\", count: 60)
    let answer = proxy.exchange(request("\(label).\(label).\(label).svc.cluster.local") + Self.get)
    #expect(answer.dropFirst(3).first == 4 && proxy.harness.agent.preambles.isEmpty)
  }

  @Test func literalAddressesAreAddresses() {
    let proxy = ProxyFixture()
    _ = proxy.exchange([5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 9] + Messages.word(80) + Self.get)
    _ = proxy.exchange(request("10.0.0.10") + Self.get)
    #expect(proxy.harness.agent.preambles == [9, 10].map { Preamble(.tcp, port: 80, address: [10, 0, 0, $0]) })
  }

  @Test func theHostIsReachedByItsName() {
    let proxy = ProxyFixture()
    for name in ["host.devtunnel.internal", "localhost"] {
      let answer = proxy.exchange(request(name, port: Int(proxy.web.port)) + Self.get)
      #expect(answer.dropFirst(3).first == 0 && answer.last == 0x0a)
    }
    #expect(proxy.harness.agent.preambles.isEmpty && proxy.figures.tcp.viaHostLoopback == 2)
  }

  @Test(
    arguments: [(StreamStatus.refused, 5), (.unreachable, 4), (.timedOut, 6), (.nameNotFound, 4), (.failed, 1)]
      as [(StreamStatus, UInt8)])
  func refusalsHaveTheirCodes(status: StreamStatus, code: UInt8) {
    let proxy = ProxyFixture()
    proxy.harness.agent.tcpTarget = { _ in nil }
    proxy.harness.agent.refusal = status
    #expect(proxy.exchange(request("user.shop.svc.cluster.local") + Self.get).dropFirst(2).prefix(2) == [5, code])
    #expect(proxy.exchange(request("nobody")).dropFirst(2).prefix(2) == [5, 4])
  }

  @Test func whatIsNotServedIsRefused() {
    let proxy = ProxyFixture()
    #expect(proxy.exchange(request("user", command: 3)).dropFirst(2).prefix(2) == [5, 7], "UDP ASSOCIATE")
    #expect(proxy.exchange(request("user", command: 2)).dropFirst(2).prefix(2) == [5, 7], "BIND")
    #expect(
      proxy.exchange([5, 1, 0, 5, 1, 0, 9, 1, 1]).dropFirst(2).prefix(2) == [5, 8], "an address type of its own")
    #expect(proxy.exchange([5, 1, 2]) == [5, 0xff], "only with a password")
    #expect(proxy.figures.proxy.rejected == 4)
  }

  @Test func version4WithANameWorks() {
    let proxy = ProxyFixture()
    let name = Array("user.shop.svc.cluster.local".utf8)
    let answer = proxy.exchange(
      [4, 1] + Messages.word(80) + [0, 0, 0, 1] + Array("me".utf8) + [0] + name + [0] + Self.get)
    #expect(Array(answer.prefix(2)) == [0, 90] && answer.last == 0x0a)
    #expect(proxy.exchange([4, 2] + Messages.word(80) + [10, 0, 0, 1, 0]).prefix(2) == [0, 91])
  }

  @Test func halfCloseGoesThroughBothWays() {
    let proxy = ProxyFixture()
    let echo = EchoServer(loop: proxy.harness.loop)
    proxy.harness.agent.tcpTarget = { _ in echo.port }
    let client = proxy.client()
    client.send(request("user.shop.svc.cluster.local") + [UInt8](repeating: 7, count: 200_000))
    client.finish()
    #expect(proxy.harness.loop.turn { client.sawEnd })
    #expect(client.received.count == 12 + 200_000)
    client.close()
    echo.close()
  }
}

@Suite struct HTTPProxyTests {
  @Test func connectLeadsThrough() {
    let proxy = ProxyFixture()
    let answer = proxy.exchange(
      "CONNECT user.shop.svc.cluster.local:8443 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    #expect(
      answer.hasPrefix("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK") && answer.hasSuffix("hello\n"))
    #expect(proxy.harness.agent.preambles.first?.port == 8443)
  }

  @Test func anAbsoluteTargetIsForwarded() {
    let proxy = ProxyFixture()
    let answer = proxy.exchange(
      "POST http://user.shop.svc.cluster.local:8080/a?b=c#d HTTP/1.1\r\nHost: wrong\r\n"
        + "Connection: X-Hop, Content-Length\r\nX-Hop: 1\r\n"
        + "Proxy-Authorization: secret\r\nContent-Length: 4\r\nX-Stays: yes\r\n\r\nbody")
    #expect(answer.hasSuffix("hello\n"))
    #expect(
      proxy.web.requests == [
        """
        POST /a?b=c HTTP/1.1\r\nHost: user.shop.svc.cluster.local:8080\r\nContent-Length: 4\r\nX-Stays: yes\r\n\
        Connection: close\r\n\r\nbody
        """
      ])
    #expect(proxy.exchange("GET http://user HTTP/1.1\r\n\r\n").hasSuffix("hello\n"))
    #expect(proxy.web.requests.last?.hasPrefix("GET / HTTP/1.1\r\nHost: user\r\n") == true)
  }

  /// RFC 9110 section 7.8; HTTP/1.0 has no upgrade, and a connection that stays HTTP is for one request.
  @Test(arguments: [
    (
      "HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
      "Upgrade: websocket\r\nConnection: Upgrade, close"
    ),
    ("HTTP/1.1", "upgrade: SPDY/3.1\r\nconnection: upgrade\r\n", "upgrade: SPDY/3.1\r\nConnection: Upgrade, close"),
    ("HTTP/1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: close"),
    ("HTTP/1.1", "Upgrade: websocket\r\n", "Connection: close"),
    ("HTTP/1.1", "Connection: Upgrade\r\n", "Connection: close"),
    (
      "HTTP/1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
      "Connection: close"
    ),
  ])
  func anUpgradeIsPassedOn(version: String, fields: String, expected: String) {
    let proxy = ProxyFixture()
    _ = proxy.exchange("GET http://user/room \(version)\r\nProxy-Connection: keep-alive\r\n\(fields)\r\n")
    #expect(proxy.web.requests == ["GET /room \(version)\r\nHost: user\r\n\(expected)\r\n\r\n"])
  }

  @Test(arguments: [(StreamStatus.refused, 502), (.timedOut, 504), (.unreachable, 502)])
  func refusalsSayWhy(status: StreamStatus, code: Int) {
    let proxy = ProxyFixture()
    proxy.harness.agent.tcpTarget = { _ in nil }
    proxy.harness.agent.refusal = status
    for request in [
      "CONNECT user.shop.svc.cluster.local:80 HTTP/1.1\r\n\r\n",
      "GET http://user.shop.svc.cluster.local/ HTTP/1.1\r\n\r\n",
    ] {
      let answer = proxy.exchange(request)
      #expect(answer.hasPrefix("HTTP/1.1 \(code) ") && answer.contains("user.shop.svc.cluster.local"))
    }
    #expect(proxy.exchange("CONNECT nobody:80 HTTP/1.1\r\n\r\n").contains("no such name"))
  }

  @Test(arguments: [
    "\u{16}\u{3}\u{1}", "hello world\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET http:///x HTTP/1.1\r\n\r\n",
    "CONNECT user HTTP/1.1\r\n\r\n",
    "CONNECT user:0 HTTP/1.1\r\n\r\n", "CONNECT user:99999 HTTP/1.1\r\n\r\n", "GET http://user/ SPDY/9\r\n\r\n",
    "GET https://user/ HTTP/1.1\r\n\r\n",
  ])
  func garbageIsABadRequest(text: String) {
    let proxy = ProxyFixture()
    #expect(proxy.exchange(text).hasPrefix("HTTP/1.1 400 "))
    #expect(proxy.figures.proxy.rejected == 1 && proxy.harness.agent.preambles.isEmpty)
  }

  /// Each byte is looked at once, and the end is found wherever a piece ends.
  @Test func aHeadByteByByteCostsNoMoreThanItsLength() {
    let bytes = Array("GET http://user/ HTTP/1.1\r\nX: \(String(repeating: "x", count: 32_000))\r\n\r\nrest".utf8)
    let end = bytes.count - 4
    var head = HTTPRequestHead()
    var inbox: [UInt8] = []
    let start = processTime()
    for byte in bytes[..<end] {
      guard case .more = head.step(inbox) else {
        Issue.record("it ends at \(inbox.count)")
        return
      }
      inbox.append(byte)
    }
    // Looking from the beginning each time takes 500 million steps.
    #expect(processTime() - start < .seconds(2))
    for piece in [0, 1, 4] {
      var head = head
      guard case .request(let request) = head.step(inbox + bytes[end...].prefix(piece)) else {
        Issue.record("its end is not found")
        return
      }
      #expect(request.host == "user" && request.backlog.suffix(piece) == bytes[end...].prefix(piece))
    }
    // Every way to cut it in two.
    let short = Array("CONNECT user:80 HTTP/1.1\r\nA: b\r\n\r\n".utf8)
    for cut in 0..<short.count {
      var head = HTTPRequestHead()
      guard case .more = head.step(Array(short[..<cut])), case .request = head.step(short) else {
        Issue.record("cut at \(cut)")
        continue
      }
    }
  }

  /// The processor's time of this process: other programs do not count.
  private func processTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  @Test func anEndlessHeadIsCut() {
    let proxy = ProxyFixture()
    #expect(proxy.exchange("GET http://user/" + String(repeating: "x", count: 40_000)).hasPrefix("HTTP/1.1 431 "))
  }

  /// A refused client keeps its descriptor for its last message, and is counted nowhere else.
  @Test func lastMessagesAreBounded() {
    let proxy = ProxyFixture()
    let clients = (0..<Dialer.mostFarewells + 16).map { _ in proxy.client() }
    for client in clients {
      client.send(Array("noise".utf8))
      #expect(proxy.harness.loop.turn { !client.received.isEmpty || client.sawReset })
    }
    #expect(proxy.figures.proxy.rejected == clients.count)
    #expect(proxy.harness.outbound.dialer.leaving.count <= Dialer.mostFarewells)
    #expect(clients.last?.sawReset == true && clients[0].received.starts(with: "HTTP/1.1 400 ".utf8))
    for client in clients { client.close() }
  }

  @Test func noiseNeverTraps() {
    var chance = SeededGenerator(seed: 7)
    for round in 0..<20_000 {
      var socks = SOCKS()
      let first: UInt8 = [4, 5, 0x47][round % 3]
      var bytes =
        [first]
        + (0..<Int.random(in: 0..<40, using: &chance)).map { _ in
          UInt8.random(in: 0...(round % 2 == 0 ? 255 : 5), using: &chance)
        }
      if first == 0x47 {
        var head = HTTPRequestHead()
        _ = head.step(bytes + Array("\r\n\r\n".utf8))
        continue
      }
      while !bytes.isEmpty, case .answer(_, let taken) = socks.step(bytes) { bytes.removeFirst(taken) }
    }
  }
}
