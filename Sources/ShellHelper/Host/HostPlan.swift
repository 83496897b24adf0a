import CShell
import Glibc

/// The daemon's plan for the host itself: the addresses that are routed into the cluster.
struct HostPlan: Equatable {
  /// Addresses that have the first `length` bits in common.
  struct Prefix: Equatable {
    var address: IPv4Address
    var length: Int

    /// Reads "10.96.0.0/12"; bits behind the prefix must be 0.
    init?(_ text: some StringProtocol) {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]), (1...32).contains(length)
      else { return nil }
      self.address = address
      self.length = length
      guard address.value & ~mask.value == 0 else { return nil }
    }

    var mask: IPv4Address { IPv4Address(value: UInt32.max << (32 - length)) }
  }

  var socket = ""
  var id = ""
  var clusterCIDRs: [Prefix] = []
  /// Addresses that stay as they are: the API server's, and those of clusters on this machine.
  var excluded: [Prefix] = []
  /// Interfaces whose guests are routed too, in addition to the bridges found.
  var bridges: [InterfacePattern] = []
  /// The machine's own: the daemon answers its programs' questions to them, and asks them from ports of
  /// 0xf000 and above.
  var nameservers: [IPv4Address] = []

  static func read(path: String) throws(ShellError) -> HostPlan {
    try PlanFile.take(path) { text throws(ShellError) in try parse(text, file: path) }
  }

  static func parse(_ text: String, file: String) throws(ShellError) -> HostPlan {
    var plan = HostPlan()
    for (number, line) in try PlanFile.lines(of: text, file: file) {
      let parts = line.split(separator: " ", maxSplits: 1)
      let value = parts.count == 2 ? String(parts[1]) : ""
      func problem(_ what: String) -> ShellError { ShellError("\(file):\(number)", reason: "\(parts[0]) \(what)") }
      switch parts[0] {
      case "socket" where value.hasPrefix("/"): plan.socket = value
      case "id" where PlanParser.isID(value): plan.id = value
      case "cluster-cidr":
        guard let prefix = Prefix(value) else { throw problem("is no IPv4 range with a length of 1 to 32") }
        plan.clusterCIDRs.append(prefix)
      case "exclude":
        guard let prefix = Prefix(value) else { throw problem("is no IPv4 range with a length of 1 to 32") }
        plan.excluded.append(prefix)
      case "bridge":
        guard let pattern = InterfacePattern(value) else { throw problem("is no interface's name") }
        plan.bridges.append(pattern)
      case "nameserver":
        guard let address = IPv4Address(value) else { throw problem("is no IPv4 address") }
        plan.nameservers.append(address)
      case "socket": throw problem("is no absolute path")
      case "id": throw problem("is not 32 hex digits")
      default:
        throw ShellError(
          "\(file):\(number)",
          reason: "the keyword is none of a host's plan: daemon and devtunnel-shell are of different versions")
      }
    }
    for (keyword, isMissing) in [
      ("socket", plan.socket.isEmpty), ("id", plan.id.isEmpty), ("cluster-cidr", plan.clusterCIDRs.isEmpty),
    ] where isMissing {
      throw ShellError(file, reason: "the keyword \(keyword) is missing")
    }
    return plan
  }
}
