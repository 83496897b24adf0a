import ControlAPI
import Foundation
import Testing

extension LabTests {
  /// `connect --host` on a machine of its own: a network namespace from which the API server is reached.
  @Suite(.enabled(if: Lab.executable != nil, "the command devtunnel is not built"), .sharedLab())
  struct WholeMachineTests {
    @Test func aRangeThatIsInUseHasOtherAddressesAndTheirNames() async throws {
      let lab = try SharedLab.lab
      let web = try await lab.address(ofService: "web")
      try await Neighbour.run(lab) { machine in
        // The cluster's Service range is in use there.
        try await machine.inside("ip route add default via \(machine.ours)")
        try await machine.inside("ip route add 10.98.0.0/16 via \(machine.ours)")
        let (way, _) = try lab.blockade(in: machine.namespace)
        defer { way.stop() }
        var command = try Command(lab, "machine", kubeconfig: "kubeconfig-blockade")
        let mount =
          #"""
          echo "nameserver $0" > "$LAB/machine.conf" && \#
          mount --bind "$LAB/machine.conf" "$(readlink -f /etc/resolv.conf)" && exec "$@"
          """#
        command.wrapper = [
          "/usr/bin/nsenter", "--net=\(machine.namespace)", "/usr/bin/unshare", "--mount", "/bin/sh", "-c", mount,
          machine.ours,
        ]
        let there = command
        let dig = "dig @\(machine.ours) +time=2 +tries=1 +short "
        try await there.during {
          async let connection = there.run(["-n", "shop", "connect", "--host", "--via-cluster", "10.98.0.0/16"])
          try await eventually("the machine is connected") {
            try await machine.inside(dig + "web.shop.svc.cluster.local").hasPrefix("198.19.")
          }
          let address = try await machine.inside(dig + "web.shop.svc.cluster.local").trimmingCharacters(
            in: .whitespacesAndNewlines)
          #expect(address.split(separator: ".").suffix(2) == web.split(separator: ".").suffix(2))
          #expect(try await machine.inside(dig + "-x " + address) == "web.shop.svc.cluster.local.\n")
          // The true address is the machine's own affair.
          #expect(try await !machine.inside(dig + "-x " + web).contains("cluster.local"))
          #expect(try await machine.inside("curl -sS --max-time 10 http://\(address)/") == "hello from the cluster\n")

          // A VPN client's resolv.conf: questions to its nameserver come here, those to the former one no longer.
          let file = "\(lab.directory)/machine.conf"
          try "nameserver 192.0.2.7\n".write(toFile: file, atomically: false, encoding: .utf8)
          let vpn = "dig @192.0.2.7 +time=1 +tries=1 +short web.shop.svc.cluster.local"
          try await eventually("the VPN's nameserver is followed", within: .seconds(10)) {
            (try? await machine.inside(vpn)) == address + "\n"
          }
          #expect((try? await machine.inside(dig + "web.shop.svc.cluster.local")) == nil)

          let helper = try #require(try await there.status().outbound.first { $0.kind == "host" }?.pid)
          kill(Int32(helper), SIGKILL)
          _ = try await connection
          try await eventually("no rule is left") { try await machine.inside("nft list tables").isEmpty }
        }
      }
      try await lab.expectNoTraces()
    }
  }
}
