import ControlAPI
import Subprocess
import Testing

extension LabTests {
  /// Programs of the host whose network is a pocket cluster's.
  @Suite struct ShellTests {
    @Test func aProgramLivesInTheCluster() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          var request = ShellRequest(cluster: lab.cluster)
          request.service = "web"
          let report = try await alice.shell(request) { _ in }
          #expect(report.workload == "Deployment/web")
          let script = """
            busybox wget -qO- http://web/
            busybox wget -qO- http://web.shop.svc.cluster.local/
            echo "$GREETING"
            grep -c nameserver /etc/resolv.conf
            busybox nslookup nobody.shop.svc.cluster.local >/dev/null 2>&1 || echo "no such name"
            exit 7
            """
          let (code, output) = try await enter(report, script)
          #expect(output == "hello from the cluster\nhello from the cluster\nhello from the cluster\n1\nno such name\n")
          #expect(code == 7)
          try await eventually("the shell is gone") { await alice.status().outbound.isEmpty }
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func anInterceptLastsAsLongAsItsCommand() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          var request = ShellRequest(cluster: lab.cluster)
          request.intercept = lab.intercept(8000)
          let report = try await alice.shell(request) { _ in }
          #expect(report.intercept?.service == "web")
          // Nobody is there yet: it fails open.
          try await lab.expect("hello from the cluster")
          async let shell = enter(report, "mkdir $DEVTUNNEL_ROOT/www; echo inside > $DEVTUNNEL_ROOT/www/index.html; exec busybox timeout 6 busybox httpd -f -p 8000 -h $DEVTUNNEL_ROOT/www")
          try await lab.expect("inside")
          _ = try await shell
          #expect(await alice.status().intercepts.isEmpty, "the helper ends only when the intercept has been left")
          try await lab.expect("hello from the cluster")
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func aWrongNameIsToldBeforeAnythingIsStarted() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          var request = ShellRequest(cluster: lab.cluster)
          request.workload = "deploy/nobody"
          let error = await #expect(throws: ControlError.self) { _ = try await alice.shell(request) { _ in } }
          #expect(error?.code == .notFound)
          request.workload = nil
          request.outbound.viaCluster = ["10.0.0.0/40"]
          let other = await #expect(throws: ControlError.self) { _ = try await alice.shell(request) { _ in } }
          #expect(other?.code == .badInput)
          #expect(await alice.status().outbound.isEmpty)
        }
        try await lab.expectNoTraces()
      }
    }

    /// Runs a script the way the command does: by the helper.
    /// - Returns: the exit code and what it printed.
    private func enter(_ report: ShellReport, _ script: String) async throws -> (Int32, String) {
      let own = report.environment.map { (Environment.Key(rawValue: $0.key)!, Optional($0.value)) }
      let outcome = try await Subprocess.run(
        .path(.init(report.helper)), arguments: ["run", report.plan, "--", "/bin/sh", "-c", script],
        environment: .inherit.updating(Dictionary(uniqueKeysWithValues: own)), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      guard case .exited(let code) = outcome.terminationStatus else { return (-1, outcome.standardOutput) }
      return (code, outcome.standardOutput)
    }
  }
}
