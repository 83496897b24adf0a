import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing

extension LabTests {
  /// Intercepts that lead into another cluster; here it is the same one, seen by another kubeconfig.
  @Suite struct JoinedTests {
    private let fromOrigin = "hello from the cluster"
    private let fromTarget = "hello from the other cluster"

    @Test func requestsGoOnToAServiceOfAnotherCluster() async throws {
      try await Lab.run { lab in
        try await lab.loadOther(fromTarget)
        try await lab.developer("alice@host") { alice in
          let report = try await alice.intercept(lab.intercept(to: "svc/other")) { _ in }
          #expect(report.to == InterceptReport.Target(context: "devtunnel-lab", namespace: "shop", target: "svc/other"))
          // The Service's own port, not its Pods'.
          #expect(report.ports.map(\.to) == [80] && report.ports.map(\.host) == [nil])
          try await lab.expect(fromTarget)
          #expect(await alice.status().intercepts.first?.ports.first?.toHost ?? 0 >= 6)
          #expect(await alice.status().forwards.isEmpty)

          try await lab.replaceOther()
          try await lab.expect(fromTarget)

          _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
          try await lab.expect(fromOrigin)
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func aPodThatWasReplacedIsFoundAgain() async throws {
      try await Lab.run { lab in
        try await lab.loadOther(fromTarget)
        try await lab.developer("alice@host") { alice in
          let report = try await alice.intercept(lab.intercept(to: "deploy/other")) { _ in }
          #expect(report.ports.map(\.to) == [8080])
          try await lab.expect(fromTarget)
          try await lab.client.patch(.deployments, "other", namespace: "shop", type: .merge, ["spec": ["replicas": 0]])
          try await lab.expect(fromOrigin)
          try await lab.client.patch(.deployments, "other", namespace: "shop", type: .merge, ["spec": ["replicas": 1]])
          try await lab.expect(fromTarget)
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func whatTheTargetRefusesGoesToTheOrigin() async throws {
      try await Lab.run { lab in
        try await lab.loadOther(fromTarget)
        try await lab.developer("alice@host") { alice in
          _ = try await alice.intercept(lab.intercept(to: "other")) { _ in }
          try await lab.expect(fromTarget)
          try await lab.client.patch(.deployments, "other", namespace: "shop", type: .merge, ["spec": ["replicas": 0]])
          try await lab.expect(fromOrigin)
          try await eventually("it is told") {
            await alice.status().intercepts.first?.message?.contains("other in context") == true
          }
          try await lab.client.patch(.deployments, "other", namespace: "shop", type: .merge, ["spec": ["replicas": 1]])
          try await lab.expect(fromTarget)
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func withoutATunnelToTheTargetItFailsOpen() async throws {
      try await Lab.run { lab in
        try await lab.loadOther(fromTarget)
        let (blockade, there) = try lab.blockade()
        try await lab.developer("alice@host") { alice in
          _ = try await alice.intercept(lab.intercept(to: "other", in: there)) { _ in }
          try await lab.expect(fromTarget)
          let outcome = try await Load.run(lab.requester("web")) {
            blockade.shut(true)
            try await lab.expect(fromOrigin)
            blockade.shut(false)
            try await lab.expect(fromTarget)
          }
          #expect(outcome.failures.isEmpty, "\(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
        }
        try await lab.expectNoTraces()
        blockade.stop()
      }
    }

    @Test func whatCannotBeIsRefusedBeforeAnythingIsDone() async throws {
      try await Lab.run { lab in
        try await lab.loadOther(fromTarget)
        try await lab.developer("alice@host") { alice in
          #expect(await alice.refusal(of: lab.intercept(to: "web"))?.message.contains("circle") == true)
          #expect(await alice.refusal(of: lab.intercept(to: "nobody"))?.code == .notFound)
          let traces = try await lab.traces()
          #expect(traces.isEmpty)

          var closed = lab.intercept(to: "deploy/other")
          closed.ports = [PortMapping(local: 9)]
          let refused = await alice.refusal(of: closed)
          #expect(refused?.code == .refused)
          #expect(refused?.message.contains("port 9 of deploy/other") == true)
        }
        try await lab.expectNoTraces()
        try await lab.expect(fromOrigin)
      }
    }
  }
}

extension Lab {
  fileprivate func intercept(to target: String, in there: ClusterSelection? = nil) -> InterceptRequest {
    var request = InterceptRequest(cluster: cluster, service: "web", ports: [])
    request.target = InterceptTarget(cluster: there ?? cluster, target: target)
    return request
  }

  /// Deployment and Service `other`, whose Pod answers with one text.
  fileprivate func loadOther(_ answer: String) async throws {
    try await create(
      yaml: """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: other, namespace: shop}
        spec:
          selector: {matchLabels: {app: other}}
          template:
            metadata: {labels: {app: other}}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
                - name: other
                  image: lab/busybox:1
                  command: [sh, -c, "echo '\(answer)' > /www/index.html && exec httpd -f -p 8080 -h /www"]
                  ports: [{containerPort: 8080}]
                  readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: other, namespace: shop}
        spec:
          selector: {app: other}
          ports: [{port: 80, targetPort: 8080}]
        """)
    try await expect(answer, from: "other")
  }

  /// Deletes its Pod, and waits for another that is ready.
  fileprivate func replaceOther() async throws {
    let old = try #require(try await otherPods().first?.name)
    try await client.delete(.pods, old, namespace: "shop", propagation: .background)
    try await eventually("another Pod is ready") {
      let pods = try await self.otherPods()
      return !pods.isEmpty
        && pods.allSatisfy { pod in
          pod.name != old
            && (pod[path: "status", "conditions"]?.elements ?? []).contains {
              $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
            }
        }
    }
  }

  private func otherPods() async throws -> [JSONValue] {
    try await client.list(.pods, namespace: "shop", labels: LabelSelector(matchLabels: ["app": "other"])).items
  }
}
