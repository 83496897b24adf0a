import CShell
import Glibc

/// The network of a shell: one loopback interface with every address local, and rules that redirect
/// packets to the transparent sockets.
struct ShellNetwork {
  var address: IPv4Address
  var rules: ShellRules

  init(plan: ShellPlan) {
    address = plan.address
    rules = ShellRules(address: plan.address, dns: plan.dns, hostPorts: plan.hostPorts)
  }

  func bringUp() throws(ShellError) {
    try check(cshell_link_up("lo"), "bring lo up", advice: Obstacle.advice(errno: EPERM))
    var batch = NetlinkBatch()
    batch.addAddress(address)
    batch.addLocalDefaultRoute(source: address)
    try NetlinkSocket(.route).commit(batch)
    // Not every kernel allows these in a namespace; without them ports below 1024 and ping need privileges, as outside.
    _ = cshell_write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    _ = cshell_write_file("/proc/sys/net/ipv4/ping_group_range", "\(getgid()) \(getgid())")
  }

  func addRules() throws(ShellError) {
    do {
      try NetlinkSocket(.netfilter).commit(rules.requests)
    } catch {
      guard error.errno == ENOENT else { throw error }
      throw ShellError(
        error.step, errno: ENOENT,
        advice:
          "this kernel misses a part of nftables (nf_tables, nft_tproxy, nft_socket): "
          + "as root, modprobe -a nf_tables nft_tproxy nft_socket"
      )
    }
  }
}
