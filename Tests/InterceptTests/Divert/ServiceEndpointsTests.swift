import KubeObjects
import Testing

@testable import Intercept

struct ServiceEndpointsTests {
  private func endpoint(_ pod: String, ready: Bool? = true, terminating: Bool? = nil) -> JSONValue {
    var conditions: JSONValue = [:]
    conditions["ready"] = ready.map { JSONValue($0) }
    conditions["terminating"] = terminating.map { JSONValue($0) }
    return ["addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": ["kind": "Pod", "name": JSONValue(pod)]]
  }

  private func slice(_ endpoints: [JSONValue], ports: [Int] = [8080]) -> JSONValue {
    ["endpoints": .array(endpoints), "ports": .array(ports.map { ["port": JSONValue($0)] })]
  }

  @Test("Agents and origin are distinguished by the agent's Deployment")
  func apart() {
    let slices = [slice([endpoint("user-1-a"), endpoint("devtunnel-user-7-b"), endpoint("devtunnel-users-7-c")])]
    let endpoints = ServiceEndpoints(slices, agentPrefix: "devtunnel-user")
    #expect(endpoints.agents == ["devtunnel-user-7-b"])
    #expect(endpoints.origin == ["user-1-a", "devtunnel-users-7-c"])
  }

  @Test("Only who is ready and stays counts; no word on readiness means ready (discovery.k8s.io/v1)")
  func conditions() {
    let slices = [
      slice([
        endpoint("user-a", ready: false), endpoint("user-b", terminating: true), endpoint("user-c", ready: nil),
        endpoint("devtunnel-user-d", ready: false),
      ])
    ]
    let endpoints = ServiceEndpoints(slices, agentPrefix: "devtunnel-user")
    #expect(endpoints.origin == ["user-c"])
    #expect(endpoints.agents.isEmpty)
    #expect(endpoints.agentPorts.isEmpty)
  }

  @Test("Ports of every slice that has an agent, and of no other")
  func ports() {
    let slices = [
      slice([endpoint("devtunnel-user-a")], ports: [8080]), slice([endpoint("devtunnel-user-a")], ports: [9090]),
      slice([endpoint("user-a")], ports: [1]),
    ]
    #expect(ServiceEndpoints(slices, agentPrefix: "devtunnel-user").agentPorts == [8080, 9090])
  }

  @Test("Endpoints that somebody else keeps do not follow the selector, and do not count")
  func foreign() {
    var others = slice([endpoint("user-a"), endpoint("devtunnel-user-b")])
    others.labels["endpointslice.kubernetes.io/managed-by"] = "mesh.example"
    let endpoints = ServiceEndpoints([others, slice([endpoint("user-c")])], agentPrefix: "devtunnel-user")
    #expect(endpoints.origin == ["user-c"])
    #expect(endpoints.agents.isEmpty)
  }

  @Test("No slices, no endpoints")
  func none() {
    #expect(ServiceEndpoints([], agentPrefix: "devtunnel-user").origin.isEmpty)
    #expect(ServiceEndpoints([slice([])], agentPrefix: "devtunnel-user").agents.isEmpty)
  }
}
