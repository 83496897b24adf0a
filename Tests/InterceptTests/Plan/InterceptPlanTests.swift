import KubeAPI
import KubeObjects
import Testing
import Workloads

@testable import Intercept

struct InterceptPlanTests {
  private func plan(_ workload: JSONValue, listen: [UInt16] = [8080]) -> InterceptPlan {
    InterceptPlan(
      namespace: "testbed", service: "user", workload: Workload(workload, resource: .deployments), container: "user",
      ports: [], listen: listen,
      selector: [:], nodes: [], warnings: [])
  }

  @Test("Fields that a Deployment leaves out have Kubernetes' defaults")
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
    let declared: JSONValue = [
      "spec": [
        "template": [
          "spec": ["containers": [["ports": [["containerPort": 17_717]]], ["ports": [["containerPort": 17_719]]]]]
        ]
      ]
    ]
    #expect(plan(declared).controlPort == 17_718)
    #expect(plan(declared, listen: [17_718]).controlPort == 17_720)
  }

  @Test("Ports that the Service got later, and that the agent does not carry, are reported")
  func changedService() throws {
    let declared: JSONValue = [
      "spec": ["template": ["spec": ["containers": [["ports": [["name": "http", "containerPort": 8080]]]]]]]
    ]
    let plan = plan(declared, listen: [8080, 9090])
    func told(_ ports: JSONValue) -> String? { InterceptedWorkload.uncarried(by: plan, of: ["spec": ["ports": ports]]) }
    #expect(told([["port": 80, "targetPort": "http"], ["port": 9090]]) == nil)
    #expect(
      told([["port": 80, "targetPort": "http"], ["name": "admin", "port": 7000]])?.contains(
        "the new target of its port 7000 (admin)") == true)
    #expect(told([["port": 80, "targetPort": 9999]])?.contains("the new target of its port 80,") == true)
    #expect(told([["port": 80, "targetPort": "nope"]]) != nil)
    #expect(told([["port": 80, "targetPort": 8080, "protocol": "UDP"]]) != nil)
  }
}
