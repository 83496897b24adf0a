import CShell
import Glibc

/// The host's rules in the kernel, for the present bridges. They end with this value.
final class HostTable {
  private var rules: HostRules
  private let named: [InterfacePattern]
  private let owner: NetlinkSocket
  private let watch: NetlinkSocket
  private var guests: [InterfacePattern]

  /// Readable when interfaces or routes have changed.
  var changes: Int32 { watch.fd }

  init(_ rules: HostRules, named: [InterfacePattern]) throws(ShellError) {
    self.rules = rules
    self.named = named
    owner = try NetlinkSocket(.netfilter)
    // Watch before the first look, so that no change is missed.
    watch = try NetlinkSocket.changes()
    guests = try Self.look(named)
    do {
      try owner.commit(rules.requests(guests: guests))
    } catch {
      throw ShellError(error.step, errno: error.errno, advice: Self.advice(error.errno))
    }
    tell()
  }

  /// Looks at the interfaces again: lets a new bridge in, and one with a route to an outside network no longer.
  func follow() throws(ShellError) {
    watch.forget()
    let now = try Self.look(named)
    guard now != guests else { return }
    try owner.commit(rules.replacement(guests: now))
    guests = now
    tell()
  }

  /// Reads resolv.conf(5) again: a VPN client puts its own in the place of the machine's.
  func followNameservers(file: String = "/etc/resolv.conf") throws(ShellError) {
    var text = [UInt8](repeating: 0, count: 64 << 10)
    let count = cshell_read_file(file, &text, text.count)
    guard count > 0 else { return }
    let now = Self.nameservers(String(decoding: text.prefix(count), as: UTF8.self))
    guard !now.isEmpty, now != rules.nameservers else { return }
    var next = rules
    next.nameservers = now
    try owner.commit(next.outputReplacement())
    rules = next
    let names = now.map(\.description).joined(separator: ", ")
    ShellProgram.complain("This machine's nameservers have changed to \(names): its names and the cluster's go on.")
  }

  /// Returns the IPv4 addresses of a resolv.conf; none while one is being written.
  static func nameservers(_ text: String) -> [IPv4Address] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      return words.count >= 2 && words[0] == "nameserver" ? IPv4Address(String(words[1])) : nil
    }
  }

  private func tell() {
    let names = guests.map(\.description).joined(separator: ", ")
    let who =
      guests.isEmpty
      ? "No bridge of Pods was found: only this machine's programs are in the cluster."
      : "Pods at \(names) are in the cluster too."
    ShellProgram.complain("\(who) --bridge names another interface.")
  }

  private static func look(_ named: [InterfacePattern]) throws(ShellError) -> [InterfacePattern] {
    var text = [UInt8](repeating: 0, count: 1 << 20)
    let count = try check(cshell_read_file("/proc/net/route", &text, text.count), "read /proc/net/route")
    let uplinks = HostBridges.uplinks(routes: String(decoding: text.prefix(count), as: UTF8.self))
    return HostBridges.guests(try NetlinkSocket.links(), named: named, uplinks: uplinks)
  }

  private static func advice(_ errno: Int32) -> String? {
    switch errno {
    case EPERM: "host routes need root, or the capability CAP_NET_ADMIN"
    case EEXIST: "another devtunnel already routes this host: devtunnel status"
    case ENOENT:
      "this kernel misses a part of nftables (nft_redir, nft_ct, nft_chain_nat): "
        + "as root, modprobe -a nf_tables nft_redir nft_ct nft_chain_nat"
    default: nil
    }
  }
}
