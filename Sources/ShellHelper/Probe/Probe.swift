import CShell
import Glibc

/// `devtunnel-shell probe`: the whole sequence in a throwaway child, a line for each step.
enum Probe {
  /// - Returns: 0 if this host allows shells, else 1.
  static func run() -> Int32 {
    let child = cshell_fork()
    if child == 0 {
      cshell_die_with_parent()
      exit(steps())
    }
    var value: Int32 = 0
    guard child > 0, cshell_wait(child, &value) == 1 else {
      say("fail process the child that tries it did not end by itself")
      return 1
    }
    return value
  }

  private static func steps() -> Int32 {
    var plan = ShellPlan()
    plan.address = IPv4Address(value: 0xC612_0002)
    plan.dns = [IPv4Address(value: 0x0A60_000A)]
    plan.hostPorts = [5432]
    // Over itself: a successful mount is enough.
    plan.resolvConf = "/etc/resolv.conf"
    let network = ShellNetwork(plan: plan)
    var sockets: ShellSockets?
    let steps: [(String, () throws(ShellError) -> Void)] = [
      ("namespaces", { () throws(ShellError) in try ShellNamespace(hostname: nil).enter() }),
      ("network", { () throws(ShellError) in try network.bringUp() }),
      ("nftables", { () throws(ShellError) in try network.addRules() }),
      ("sockets", { () throws(ShellError) in sockets = try ShellSockets(dns: plan.dns) }),
      ("connection", { () throws(ShellError) in try tryConnection(sockets?.tcp.fd ?? -1) }),
      ("resolv.conf", { () throws(ShellError) in _ = try ResolverFiles(plan: plan) }),
    ]
    for (name, step) in steps {
      do {
        try step()
        say("ok \(name)")
      } catch {
        say("fail \(name) \(error)")
        return 1
      }
    }
    return 0
  }

  /// Checks that a connection to an unused address arrives at the transparent listener, under that address.
  private static func tryConnection(_ listener: Int32) throws(ShellError) {
    let step = "connect through the transparent listener"
    let target = IPv4Address(value: 0x0AFE_0102)
    let client = try check(cshell_unconnected(4), step)
    defer { close(client) }
    let connecting = cshell_connect(client, target.value, 80)
    if connecting != -EINPROGRESS { try check(connecting, step) }
    var returned: Int16 = 0
    _ = cshell_poll([listener], [cshell_POLLIN], &returned, 1, 1000)
    let accepted = cshell_accept(listener)
    guard accepted >= 0 else {
      throw ShellError(
        step, reason: "it did not arrive",
        advice: "another table of nftables, or a kernel without tproxy, is in the way")
    }
    defer { close(accepted) }
    var address: UInt32 = 0
    var port: UInt16 = 0
    try check(cshell_local_address(accepted, &address, &port), step)
    guard address == target.value, port == 80 else {
      throw ShellError(step, reason: "it arrived as \(IPv4Address(value: address)):\(port)")
    }
  }

  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
  }
}
