import Agents
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept

struct InterceptPlanTests {
  private func plan(_ workload: JSONValue, listen: [UInt16] = [8080]) -> InterceptPlan {
    InterceptPlan(
      namespace: "testbed", service: "user", workload: Workload(workload, resource: .deployments), container: "user", ports: [], listen: listen,
      selector: [:], nodes: [], warnings: [])
  }

  @Test("What a Deployment leaves out has Kubernetes' defaults")
  func defaults() {
    let workload = Workload(["metadata": ["name": "user", "generation": 3], "spec": [:]], resource: .deployments)
    #expect(workload.description == "Deployment/user")
    #expect(workload.replicas == 1)
    #expect(workload.generation == 3)
    #expect(workload.isRollingUpdate)
    #expect(!workload.isPaused)
  }

  @Test("Strategies of Deployments and of StatefulSets")
  func strategies() {
    func isRolling(_ spec: JSONValue) -> Bool { Workload(["spec": spec], resource: .statefulSets).isRollingUpdate }
    #expect(!isRolling(["strategy": ["type": "Recreate"]]))
    #expect(isRolling(["strategy": ["type": "RollingUpdate"]]))
    #expect(!isRolling(["updateStrategy": ["type": "OnDelete"]]))
    #expect(Workload(["spec": ["paused": true, "replicas": 0]], resource: .deployments).isPaused)
    #expect(Workload(["spec": ["paused": true, "replicas": 0]], resource: .deployments).replicas == 0)
  }

  @Test("The control port keeps clear of every port of the Pod")
  func controlPort() {
    #expect(plan(["spec": [:]]).controlPort == 17_717)
    let declared: JSONValue = ["spec": ["template": ["spec": ["containers": [["ports": [["containerPort": 17_717]]], ["ports": [["containerPort": 17_719]]]]]]]]
    #expect(plan(declared).controlPort == 17_718)
    #expect(plan(declared, listen: [17_718]).controlPort == 17_720)
  }
}
