import CLinux
import Relay
import Synchronization
import TestSupport
import Testing

@testable import Outbound

/// Names that are the host's: asked of servers on loopback, not of the agent.
@Suite struct HostQueryTests {
  private func fixture(_ ports: [UInt16]) -> DNSFixture {
    DNSFixture(
      Harness.dns(hostSuffixes: [DNSName("corp.example")!], hostServers: ports.map { IPEndpoint(.loopback, port: $0) }))
  }

  @Test func theHostsNamesAreAskedOfTheHostsServers() {
    let port = freePort()
    let dns = fixture([port])
    let server = UDPServer(loop: dns.harness.loop, port: port) { Messages.a($0, [10, 9, 8, 7]) }
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 9, 8, 7])
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 9, 8, 7])
    #expect(server.count == 1 && dns.figures.dns.fromHost == 1 && dns.figures.dns.fromCache == 1)
    #expect(dns.harness.agent.preambles.isEmpty)
    #expect(dns.figures.learnedAddresses == 0)
    server.close()
  }

  @Test func anotherServerIsAskedWhenOneRefuses() {
    let (dead, live) = (freePort(), freePort())
    let dns = fixture([dead, live])
    let server = UDPServer(loop: dns.harness.loop, port: live) { Messages.a($0, [10, 9, 8, 7]) }
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 9, 8, 7])
    server.close()
  }

  @Test func aCutAnswerIsAskedForOverTCP() {
    let port = freePort()
    let dns = fixture([port])
    let server = UDPServer(loop: dns.harness.loop, port: port) { Messages.answer($0, flags: 0x8380) }
    var address = loopback(port)
    let tcp = DNSOverTCP(loop: dns.harness.loop, fd: clinux_tcp_listen(&address, 4))
    tcp.start()
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 1, 1, 1])
    server.close()
    tcp.close()
  }

  @Test func askedFromPortsThatRulesLetPass() {
    let port = freePort()
    var settings = Harness.dns(
      hostSuffixes: [DNSName("corp.example")!], hostServers: [IPEndpoint(.loopback, port: port)])
    settings.hostSourcePorts = 0xf000...0xffff
    let dns = DNSFixture(settings)
    let server = UDPServer(loop: dns.harness.loop, port: port) { Messages.a($0, [10, 9, 8, 7]) }
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 9, 8, 7])
    #expect(server.lastPort >= 0xf000)
    server.close()
  }

  @Test func serversThatChangedAreAskedFromThenOn() {
    let (old, new) = (freePort(), freePort())
    let changed = Mutex<[IPEndpoint]?>(nil)
    var settings = Harness.dns(
      hostSuffixes: [DNSName("corp.example")!], hostServers: [IPEndpoint(.loopback, port: old)])
    settings.changedHostServers = { changed.withLock { $0 } }
    let dns = DNSFixture(settings)
    let office = UDPServer(loop: dns.harness.loop, port: old) { Messages.a($0, [10, 0, 0, 1]) }
    let vpn = UDPServer(loop: dns.harness.loop, port: new) { Messages.a($0, [10, 0, 0, 2]) }
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 0, 0, 1])
    changed.withLock { $0 = [IPEndpoint(.loopback, port: new)] }
    #expect(dns.ask(Messages.query("printer.corp.example"))?.suffix(4) == [10, 0, 0, 2])
    // An answer that is kept stays for its TTL, as in any resolver.
    #expect(dns.ask(Messages.query("wiki.corp.example"))?.suffix(4) == [10, 0, 0, 1])
    office.close()
    vpn.close()
  }

  @Test func nobodyThereIsAFailure() {
    let dns = fixture([freePort()])
    #expect(dns.ask(Messages.query("wiki.corp.example")).map(Messages.rcode) == 2)
  }
}

private final class DNSOverTCP: Listener {
  override func accepted(_ connection: Int32, peer: clinux_address) {
    _ = TCPAnswerer(loop: loop, fd: connection)
  }
}

private final class TCPAnswerer: Handler {
  private let loop: EventLoop
  private let fd: Int32
  private var inbox: [UInt8] = []

  init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = clinux_receive(fd, &buffer, buffer.count)
      if count == -Int(clinux_EAGAIN) { break }
      guard count > 0 else {
        loop.unwatch(fd)
        loop.unregister(self)
        return clinux_close(fd)
      }
      inbox += buffer[..<count]
    }
    guard inbox.count > 2 else { return }
    let answer = Messages.a(Array(inbox[2...]), [10, 1, 1, 1])
    let framed = Messages.word(answer.count) + answer
    // In two parts, so that the first read is no whole message.
    _ = clinux_send(fd, framed, 5)
    _ = Array(framed[5...]).withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) }
    inbox = []
  }
}
