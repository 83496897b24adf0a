import ControlAPI
import Testing

extension LabTests {
  /// Programs of the host whose network is a pocket cluster's.
  @Suite(.sharedLab()) struct ShellTests {
    @Test func aProgramLivesInTheCluster() async throws {
      let lab = try SharedLab.lab
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
        let outcome = try await lab.enter(report, script)
        #expect(
          outcome.output == "hello from the cluster\nhello from the cluster\nhello from the cluster\n1\nno such name\n")
        #expect(outcome.code == 7)
        try await eventually("the shell is gone") { await alice.status().outbound.isEmpty }
      }
      try await lab.expectNoTraces()
    }

    @Test func anInterceptLastsAsLongAsItsCommand() async throws {
      let lab = try SharedLab.lab
      try await lab.developer("alice@host") { alice in
        var request = ShellRequest(cluster: lab.cluster)
        request.intercept = lab.intercept(8000)
        let report = try await alice.shell(request) { _ in }
        #expect(report.intercept?.service == "web")
        // Nothing listens yet: it fails open.
        try await lab.expect("hello from the cluster")
        async let shell = lab.enter(
          report,
          """
          mkdir $DEVTUNNEL_ROOT/www; echo inside > $DEVTUNNEL_ROOT/www/index.html; \
          exec busybox timeout 6 busybox httpd -f -p 8000 -h $DEVTUNNEL_ROOT/www
          """
        )
        try await lab.expect("inside")
        _ = try await shell
        #expect(await alice.status().intercepts.isEmpty, "the helper ends only when the intercept has been left")
        try await lab.expect("hello from the cluster")
      }
      try await lab.expectNoTraces()
    }

    @Test func aWrongNameIsToldBeforeAnythingIsStarted() async throws {
      let lab = try SharedLab.lab
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
}
