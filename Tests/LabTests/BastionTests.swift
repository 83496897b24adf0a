import ControlAPI
import Foundation
import Testing

extension LabTests {
  /// A cluster whose API server answers another machine alone, to which an SSH server lets in.
  @Suite(
    .enabled(if: BastionHost.isInstalled, "openssh-server and openssh-client are not installed"),
    .sharedLab { [try await $0.loadStreet()] })
  struct BastionTests {
    @Test func everythingWorksThroughIt() async throws {
      let lab = try SharedLab.lab
      let host = try HostServer("hello from the host")
      defer { host.stop() }
      try await BastionHost.run(lab) { bastion in
        try await lab.developer("alice@host") { alice in
          let request = InterceptRequest(
            cluster: bastion.cluster, service: "web", ports: [PortMapping(local: host.port)])
          let direct = bastion.direct(request)
          let failure = await #expect(throws: ControlError.self) { _ = try await alice.intercept(direct) { _ in } }
          #expect(failure?.code == .unreachable && bastion.way.connections == 0, "\(failure as Any)")

          _ = try await alice.intercept(request) { _ in }
          try await lab.expect("hello from the host")

          let shell = try await lab.inside(
            alice, ShellRequest(cluster: bastion.cluster),
            """
            exec 3<>/dev/tcp/echo/7; echo by ssh >&3; read -t 5 line <&3; echo "$line"
            exec 3<>/dev/udp/echo/7; echo datagrams >&3; timeout 5 head -n 1 <&3
            """)
          #expect(shell.lines == ["by ssh", "datagrams"], "\(shell)")

          let proxy = try await alice.connect(ConnectRequest(cluster: bastion.cluster)) { _ in }
          let page = try await command([
            "curl", "-sS", "--noproxy", "", "--proxy", try #require(proxy.address), "http://web.office/",
          ])
          #expect(page == "hello from the office\n")

          _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
          try await lab.expect("hello from the cluster")
          #expect(bastion.way.connections > 0)
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func aHostKeyThatIsAnotherIsRefused() async throws {
      let lab = try SharedLab.lab
      try await BastionHost.run(lab) { bastion in
        let home = try #require(bastion.cluster.bastion).home
        let known = home + "/.ssh/known_hosts"
        let other = try await command(["ssh-keygen", "-y", "-f", home + "/.ssh/id_ed25519"]).split(separator: " ")
        let line = try String(contentsOfFile: known, encoding: .utf8).split(separator: " ")
        try "\(line[0]) \(other[0]) \(other[1])\n".write(toFile: known, atomically: true, encoding: .utf8)
        try await lab.developer("bob@host") { bob in
          let failure = await #expect(throws: ControlError.self) {
            _ = try await bob.shell(ShellRequest(cluster: bastion.cluster)) { _ in }
          }
          #expect(failure?.code == .refused && failure?.message.contains("known_hosts") == true, "\(failure as Any)")
          #expect(bastion.way.connections == 0)
        }
      }
    }
  }
}
