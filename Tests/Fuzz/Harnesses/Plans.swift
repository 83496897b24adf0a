@testable import ShellHelper

extension Harness {
  static let shellPlan = Harness(
    name: "shell-plan", maximumLength: 2048, usualLength: 256,
    dictionary: [
      "socket /s\n", "id 0123456789abcdef0123456789abcdef\n", "address 10.1.2.3\n", "dns 10.96.0.10\n",
      "resolv-conf /r\n", "nsswitch /n\n", "hosts /h\n", "bind /a /b\n",
      "bind-over ", "%20", "host-port 8080\n", "hostname h\n",
    ]
  ) { bytes in
    guard let plan = try? PlanParser.parse(String(decoding: bytes, as: UTF8.self), file: "plan") else { return }
    for bind in plan.binds {
      for path in [bind.source, bind.target] {
        try promise(
          path.hasPrefix("/") && !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
            && !path.utf8.contains(0), "a path that leads elsewhere: \(path)")
      }
    }
    try whole(ShellRules(address: plan.address, dns: plan.dns, hostPorts: plan.hostPorts).requests)
  }

  static let hostPlan = Harness(
    name: "host-plan", maximumLength: 2048, usualLength: 256,
    dictionary: [
      "socket /s\n", "id 0123456789abcdef0123456789abcdef\n", "cluster-cidr 10.96.0.0/12\n", "exclude 10.0.0.1/32\n",
      "nameserver 127.0.0.53\n", "bridge cali*\n",
    ]
  ) { bytes in
    guard let plan = try? HostPlan.parse(String(decoding: bytes, as: UTF8.self), file: "plan") else { return }
    for prefix in plan.clusterCIDRs + plan.excluded {
      try promise((1...32).contains(prefix.length), "a prefix of \(prefix.length) bits")
    }
    let rules = HostRules(
      clusterCIDRs: plan.clusterCIDRs, excluded: plan.excluded, nameservers: plan.nameservers, tcpPort: 40_000,
      dnsUDPPort: 40_001, dnsTCPPort: 40_002)
    try whole(rules.requests(guests: plan.bridges))
    try whole(rules.replacement(guests: plan.bridges))
  }

  /// The requests follow one another, each as long as it says.
  private static func whole(_ batch: NetlinkBatch) throws {
    let bytes = batch.bytes
    var offset = 0
    while offset < bytes.count {
      try promise(bytes.count - offset >= 16, "a request that is cut")
      let length = bytes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
      try promise(length >= 16 && length % 4 == 0 && length <= bytes.count - offset, "a request of \(length) bytes")
      offset += length
    }
  }
}
