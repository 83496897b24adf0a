import ControlAPI
import KubeObjects
import Testing

extension LabTests {
  /// An intercept that is impossible is refused with the reason, and nothing of the attempt stays.
  @Suite struct RefusalTests {
    @Test func reasonsAreGivenAndNothingStays() async throws {
      try await Lab.run { lab in
        try await lab.create(
          yaml: """
            {apiVersion: v1, kind: Service, metadata: {name: headless, namespace: shop},
             spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: bare, namespace: shop}, spec: {ports: [{port: 80}]}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: early, namespace: shop},
             spec: {publishNotReadyAddresses: true, selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: empty, namespace: shop},
             spec: {selector: {app: none}, ports: [{port: 80}]}}
            """)
        let host = try HostServer("hello from the host")
        try await lab.developer("alice@host") { alice in
          #expect(await alice.refusal(of: lab.intercept(host.port, service: "headless"))?.code == .refused)
          #expect(await alice.refusal(of: lab.intercept(host.port, service: "bare"))?.code == .refused)
          #expect(await alice.refusal(of: lab.intercept(host.port, service: "early"))?.code == .refused)
          #expect(
            await alice.refusal(of: lab.intercept(host.port, service: "empty"))?.message.contains("selects no Pods")
              == true)

          let absent = await alice.refusal(of: lab.intercept(host.port, service: "wbe"))
          #expect(absent?.code == .notFound)
          #expect(absent?.remedy?.contains("web") == true)

          let port = await alice.refusal(
            of: InterceptRequest(
              cluster: lab.cluster, service: "web", ports: [PortMapping(local: host.port, remote: "grpc")]))
          #expect(port?.code == .notFound)
          #expect(port?.remedy?.contains("80 (http)") == true)

          host.stop()
          let silent = await alice.refusal(of: lab.intercept(host.port))
          #expect(silent?.code == .refused)
          #expect(silent?.message.contains("nothing is listening") == true)
          try await lab.expectNoTraces()
        }
      }
    }
  }
}
