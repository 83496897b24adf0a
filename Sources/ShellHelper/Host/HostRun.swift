import CLinux
import CShell
import Glibc
import ShellChannel

/// `devtunnel-shell host`: routes the host itself into the cluster, until the daemon ends or a signal comes. Everything
/// is undone then, even after kill -9.
struct HostRun {
  var plan: HostPlan

  func run() throws(ShellError) -> Int32 {
    let signals = try check(clinux_termination_fd(), "take the signals")
    defer { close(signals) }
    let door = try DaemonDoor(path: plan.socket)
    let first = try door.connect()
    let tcp = try Self.listener("listen for redirected connections")
    let dnsTCP = try Self.listener("listen for DNS")
    let dnsUDP = PassedDescriptor(try check(cshell_bound(1, 0, 0, Int32(cshell_packet_info)), "make the DNS socket"))
    let rules = try HostRules(
      clusterCIDRs: plan.clusterCIDRs, excluded: plan.excluded, nameservers: plan.nameservers, tcpPort: Self.port(tcp),
      dnsUDPPort: Self.port(dnsUDP), dnsTCPPort: Self.port(dnsTCP))
    let hello = ShellHello(
      mode: .redirect, id: plan.id, pid: UInt32(getpid()), tcp: tcp, udp: nil, icmp: nil,
      dns: [.init(udp: dnsUDP, tcp: dnsTCP)])
    let link = DaemonLink(door: door, hello: hello)
    // Redirect only to served listeners: first the welcome, then the rules.
    try link.open(over: first)
    let table = try HostTable(rules, named: plan.bridges)
    let wasAsked = try Self.wait(link, table, signals)
    guard wasAsked else {
      throw ShellError(
        "keep this machine connected", reason: "the daemon is gone; the machine is restored",
        advice: "devtunnel connect --host starts both again")
    }
    return 0
  }

  /// Milliseconds between two looks at resolv.conf: no descriptor shows that a link or a mount there has changed.
  private static let nameserversEvery: Int32 = 500

  /// - Returns: whether a signal ended it, rather than the daemon's end.
  private static func wait(_ link: DaemonLink, _ table: HostTable, _ signals: Int32) throws(ShellError) -> Bool {
    while link.isOpen {
      var returned: [Int16] = [0, 0, 0]
      let toDaemon = cshell_POLLIN | (link.isWaitingToWrite ? cshell_POLLOUT : 0)
      let (fds, events) = ([signals, link.fd, table.changes], [cshell_POLLIN, toDaemon, cshell_POLLIN])
      guard cshell_poll(fds, events, &returned, fds.count, nameserversEvery) >= 0, returned[0] == 0 else { return true }
      try table.followNameservers()
      if returned[2] != 0 { try table.follow() }
      if returned[1] != 0, link.turn() { return true }
    }
    return false
  }

  private static func listener(_ step: String) throws(ShellError) -> PassedDescriptor {
    PassedDescriptor(try check(cshell_bound(0, 0, 0, Int32(cshell_shared)), step))
  }

  private static func port(_ socket: PassedDescriptor) throws(ShellError) -> UInt16 {
    var address: UInt32 = 0
    var port: UInt16 = 0
    try check(cshell_local_address(socket.fd, &address, &port), "read a listener's port")
    return port
  }
}
