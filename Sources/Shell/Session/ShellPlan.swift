/// The helper's plan: a file of `keyword value` lines, which the helper removes after reading it.
struct ShellPlan: Sendable {
  var socket: String
  var id: String
  /// The address that programs inside see as their own.
  var address = ShellPlan.ownAddress
  /// The addresses of DNS inside: the cluster's own nameservers.
  var dns: [String] = []
  var resolvConf: String?
  var nsswitch: String?
  var hosts: String?
  var binds: [(source: String, target: String)] = []
  var hostPorts: [UInt16] = []

  /// From the range for tests of network devices (RFC 2544), which no cluster uses.
  static let ownAddress = "198.18.0.2"
  /// The address of `host.devtunnel.internal`: the host's 127.0.0.1.
  static let hostAddress = "198.18.0.1"

  var text: String {
    var lines = ["socket \(socket)", "id \(id)", "address \(address)"]
    lines += dns.map { "dns \($0)" }
    if let resolvConf { lines.append("resolv-conf \(resolvConf)") }
    if let nsswitch { lines.append("nsswitch \(nsswitch)") }
    if let hosts { lines.append("hosts \(hosts)") }
    lines += binds.map { "bind \(Self.encode($0.source)) \(Self.encode($0.target))" }
    lines += hostPorts.map { "host-port \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Percent-encodes bytes that would end a word.
  static func encode(_ path: String) -> String {
    var result = ""
    for byte in path.utf8 {
      if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
