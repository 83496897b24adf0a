import ControlAPI
import KubeObjects
import Testing

extension LabTests {
  /// Intercepts of Pods that no Deployment owns, and of one container among others.
  @Suite struct KindsTests {
    @Test("A Pod without an owner, whose gate stays in front of the process here")
    func gate() async throws {
      try await Lab.run { lab in
        try await lab.create(
          yaml: """
            {apiVersion: v1, kind: Pod, metadata: {name: portal, namespace: shop, labels: {app: portal}},
             spec: {
               terminationGracePeriodSeconds: 1,
               containers: [
                 {name: gate, image: lab/busybox:1, ports: [{name: web, containerPort: 4180}],
                  command: [nc, -ll, -p, "4180", -e, sh, -c, "nc 127.0.0.1 8080; echo by the gate"]},
                 {name: app, image: lab/busybox:1, ports: [{containerPort: 8080}], env: [{name: ROLE, value: app}],
                  command: [sh, -c, "echo the cluster > /www/index.html && exec httpd -f -p 127.0.0.1:8080 -h /www"]}]}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: portal, namespace: shop},
             spec: {internalTrafficPolicy: Local, selector: {app: portal}, ports: [{port: 80, targetPort: web}]}}
            """)
        try await lab.waitUntilReady(4)
        try await lab.expect("the cluster\nby the gate", from: "portal")
        let host = try HostServer("the host")
        try await lab.developer("alice@host") { alice in
          var request = lab.intercept(host.port, service: "portal")
          request.container = "app"
          request.environment = true
          let past = try await alice.intercept(request) { _ in }
          #expect(past.workload == "Pod/portal")
          #expect(past.environment?["ROLE"] == "app")
          #expect(past.warnings.contains { $0.contains("container gate") && $0.contains("--keep-containers") })
          try await lab.expect("the host", from: "portal")
          _ = try await alice.leave(LeaveRequest(service: "portal")) { _ in }

          request.keepContainers = true
          _ = try await alice.intercept(request) { _ in }
          try await lab.expect("the hostby the gate", from: "portal")
          host.stop()
          // The application listens on its Pod's loopback alone: its own gate is in front of it, too.
          try await lab.expect("the cluster\nby the gate\nby the gate", from: "portal")
          _ = try await alice.leave(LeaveRequest(service: "portal")) { _ in }
          // Until then the agent, with its own gate, may be an endpoint beside the Pod.
          try await lab.expectNoTraces()
          try await lab.expect("the cluster\nby the gate", from: "portal")
        }
      }
    }
  }
}
