import Foundation
import ShellChannel
import Testing

/// What programs in a shell send arrives at the daemon, with the address it was sent to. Run as a user without privileges.
@Suite(.serialized, .enabled(if: ShellFixture.isAllowed))
struct ShellTrafficTests {
  let fixture: ShellFixture
  let daemon: FakeDaemon

  init() throws {
    fixture = try ShellFixture()
    daemon = try fixture.daemon()
  }

  @Test("A TCP connection arrives with its destination, and the answer comes back")
  func tcp() throws {
    let result = try fixture.shell("curl", "-sS", "--max-time", "10", "http://10.1.2.3:80/").result()
    #expect(result.output == "10.1.2.3:80", "\(result.errors)")
    #expect(result.status == 0)
    #expect(daemon.events.first == "hello \(ShellFixture.id) dns=1 icmp=true udp=true mode=tproxy")
    #expect(daemon.saw("tcp 10.1.2.3:80"))
    #expect(daemon.saw("exiting 0"))
  }

  @Test("A name is asked for at the cluster's DNS, and its address is connected to")
  func dns() throws {
    let result = try fixture.shell("curl", "-4", "-sS", "--max-time", "10", "http://user.testbed:8080/").result()
    #expect(result.output == "10.9.8.7:8080", "\(result.errors) \(daemon.events)")
    #expect(daemon.saw("dns user.testbed type=1"))
  }

  @Test("DNS over TCP has a listener of its own")
  func dnsOverTCP() throws {
    let result = try fixture.shell("curl", "-sS", "--max-time", "10", "http://10.96.0.10:53/").result()
    #expect(result.output == "10.96.0.10:53", "\(result.errors)")
    #expect(daemon.saw("dns-tcp 10.96.0.10:53"))
  }

  @Test("A datagram arrives with its destination, and is answered from there")
  func udp() throws {
    let script = """
      import socket
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)
      s.connect(('10.7.7.7', 5353)); s.send(b'ping')
      print(s.recv(100).decode())
      """
    let result = try fixture.shell("/usr/bin/python3", "-c", script).result()
    #expect(result.output == "from 10.7.7.7:5353\n", "\(result.errors) \(daemon.events)")
    #expect(daemon.saw("udp 10.7.7.7:5353 ping"))
  }
}
