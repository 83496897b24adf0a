import CLinux
import CShell
import Foundation
import ShellChannel
import Testing

/// Traffic of programs in a shell arrives at the daemon, with the address that it was sent to. The tests run as a user
/// without privileges.
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

  @Test("The daemon can refuse a datagram: its sender sees a closed port")
  func unreachable() throws {
    let script = """
      import socket
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)
      s.connect(('10.7.7.7', \(FakeDaemon.closedPort))); s.send(b'even')
      try: s.recv(100)
      except ConnectionRefusedError: print('refused')
      """
    #expect(try fixture.shell("/usr/bin/python3", "-c", script).result().output == "refused\n")
  }

  // MARK: Inside

  @Test(
    "A server in the shell works on loopback, on the shell's own address and on a wildcard, at ports below 1024 too"
  )
  func localServers() throws {
    let script = """
      import socket
      for bound, asked in (('127.0.0.1', '127.0.0.1'), ('0.0.0.0', '198.18.0.2'), ('127.0.0.1', '127.0.0.1')):
        server = socket.create_server((bound, 80)); client = socket.create_connection((asked, 80), 10)
        accepted, peer = server.accept(); client.send(b'hello'); print(asked, accepted.recv(10).decode(), peer[0])
        for s in (accepted, client, server): s.close()
      six = socket.create_server(('::1', 81), family=socket.AF_INET6); socket.create_connection(('::1', 81), 10)
      print(six.accept()[1][0])
      """
    let result = try fixture.shell("/usr/bin/python3", "-c", script).result()
    #expect(
      result.output == "127.0.0.1 hello 127.0.0.1\n198.18.0.2 hello 198.18.0.2\n127.0.0.1 hello 127.0.0.1\n::1\n",
      "\(result.errors)")
    #expect(!daemon.events.contains { $0.hasPrefix("tcp") })
  }

  @Test("Broadcast and multicast reach the shell's own sockets, and nobody else's")
  func manyReceivers() throws {
    let script = """
      import socket
      group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); group.bind(('', 5353)); group.settimeout(10)
      group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
        socket.inet_aton('224.0.0.251') + socket.inet_aton('198.18.0.2'))
      sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
      sender.sendto(b'many', ('224.0.0.251', 5353)); print(group.recv(10).decode())
      sender.sendto(b'all', ('255.255.255.255', 5353)); print(group.recv(10).decode())
      """
    let result = try fixture.shell("/usr/bin/python3", "-c", script).result()
    #expect(result.output == "many\nall\n", "\(result.errors)")
    #expect(!daemon.events.contains { $0.hasPrefix("udp") })
  }

  @Test("A port of the host's is led to the daemon, until a server in the shell takes it")
  func hostPort() throws {
    let script = """
      import http.client, socket
      def ask():
        c = http.client.HTTPConnection('127.0.0.1', 5432, timeout=10)
        c.request('GET', '/'); return c.getresponse().read().decode()
      for _ in range(3): print(ask())
      server = socket.create_server(('0.0.0.0', 5432)); client = socket.create_connection(('127.0.0.1', 5432), 10)
      accepted = server.accept()[0]; accepted.send(b'own'); print(client.recv(10).decode())
      for s in (client, accepted, server): s.close()
      print(ask())
      try: socket.create_connection(('127.0.0.1', 5433), 10)
      except ConnectionRefusedError: print('refused')
      """
    let result = try fixture.shell(
      plan: fixture.plan("host-port 5432", "host-port 9"), "/usr/bin/python3", "-c", script
    ).result()
    let host = "127.0.0.1:5432\n"
    #expect(result.output == host + host + host + "own\n" + host + "refused\n", "\(result.errors)")
  }

  @Test("Drops everything but TCP and UDP: no address answers a ping in the cluster's name")
  func ping() throws {
    let script = """
      import socket, struct
      def ping(address):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); s.settimeout(0.5)
        s.sendto(struct.pack('!BBHHH', 8, 0, 0, 0, 1), (address, 0))
        try: s.recv(100); return 'answered'
        except TimeoutError: return 'silent'
      print(ping('127.0.0.1'), ping('10.1.2.3'))
      """
    #expect(try fixture.shell("/usr/bin/python3", "-c", script).result().output == "answered silent\n")
  }

  @Test("The transparent port is nobody's")
  func transparentPort() throws {
    let script = """
      import socket
      for address in ('127.0.0.1', '198.18.0.2'):
        try: socket.create_connection((address, 1), 0.5)
        except TimeoutError: print('silent')
      """
    #expect(try fixture.shell("/usr/bin/python3", "-c", script).result().output == "silent\nsilent\n")
    #expect(!daemon.events.contains { $0.hasPrefix("tcp") })
  }

  @Test("Once the daemon is gone, a wildcard server in the shell does not answer for the cluster")
  func noStandIn() throws {
    let script = """
      import os, socket, time
      server = socket.create_server(('0.0.0.0', 80)); print('ready', flush=True)
      while not os.path.exists('\(fixture.path("go"))'): time.sleep(0.02)
      try: client = socket.create_connection(('10.1.2.3', 80), 1)
      except OSError: pass
      server.settimeout(0.2)
      try: server.accept(); print('answered')
      except TimeoutError: print('silent')
      """
    let shell = try fixture.shell("/usr/bin/python3", "-c", script)
    #expect(shell.line() == "ready")
    daemon.end()
    try fixture.write("go", "")
    #expect(shell.result().output == "silent\n")
  }

  // MARK: Minted sockets

  @Test("The daemon reaches a server in the shell by a socket that the helper makes")
  func mintTCP() throws {
    let script = """
      import socket
      server = socket.create_server(('127.0.0.1', 8080)); print('ready', flush=True)
      accepted = server.accept()[0]; print(accepted.recv(10).decode())
      """
    let shell = try fixture.shell("/usr/bin/python3", "-c", script)
    #expect(shell.line() == "ready")
    let socket = try daemon.mint(.tcp(family: 4))
    // Non-blocking; on loopback the socket is connected at once, or when it is writable.
    let connecting = cshell_connect(socket.fd, 0x7F00_0001, 8080)
    #expect(connecting == 0 || connecting == -EINPROGRESS)
    var returned: Int16 = 0
    #expect(cshell_poll([socket.fd], [cshell_POLLOUT], &returned, 1, 5000) == 1)
    #expect(clinux_send(socket.fd, "hello", 5) == 5)
    #expect(shell.result().output == "hello\n")
  }

  @Test("A socket that cannot be made is answered with its errno")
  func mintFailure() throws {
    let shell = try fixture.shell("sleep", "60")
    #expect(daemon.saw("hello"))
    var multicast = clinux_address()
    clinux_parse_address("2001:db8::1", &multicast)
    _ = try daemon.mint(.udp(boundTo: multicast))
    multicast.family = 4
    clinux_parse_address("10.96.0.10", &multicast)
    multicast.port = 53
    let error = #expect(throws: POSIXError.self) { try daemon.mint(.udp(boundTo: multicast)) }
    #expect(error?.code == .EADDRINUSE)
    shell.signal(SIGTERM)
    #expect(shell.result().status == 128 + SIGTERM)
  }
}
