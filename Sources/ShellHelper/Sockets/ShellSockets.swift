import CShell
import Glibc
import ShellChannel

/// The sockets that a shell gives to the daemon. The helper keeps them too, for the next daemon.
struct ShellSockets {
  var tcp: PassedDescriptor
  var udp: PassedDescriptor
  var icmp: PassedDescriptor?
  var dns: [ShellHello.DNSSockets] = []

  init(dns addresses: [IPv4Address]) throws(ShellError) {
    let port = ShellRules.transparentPort
    let transparent = Int32(cshell_transparent)
    // Accepted sockets inherit the sharing. Without it a connection to port 80 anywhere would keep a
    // server in the shell from its port 80.
    tcp = PassedDescriptor(
      try check(cshell_bound(0, 0, port, transparent | Int32(cshell_shared)), "listen transparently"))
    let options = transparent | Int32(cshell_original_destination | cshell_packet_info)
    udp = PassedDescriptor(try check(cshell_bound(1, 0, port, options), "make the transparent UDP socket"))
    // Only "port unreachable" depends on it.
    let raw = cshell_raw()
    icmp = raw < 0 ? nil : PassedDescriptor(raw)
    for address in addresses {
      let udp = try check(
        cshell_bound(1, address.value, 53, Int32(cshell_packet_info)), "make the DNS socket at \(address)")
      let asked = PassedDescriptor(udp)
      let tcp = try check(cshell_bound(0, address.value, 53, 0), "listen for DNS at \(address)")
      dns.append(ShellHello.DNSSockets(udp: asked, tcp: PassedDescriptor(tcp)))
    }
  }

  func hello(id: String) -> ShellHello {
    ShellHello(mode: .tproxy, id: id, pid: UInt32(getpid()), tcp: tcp, udp: udp, icmp: icmp, dns: dns)
  }
}
