import ControlAPI
import KubeObjects
import Testing
import Workloads

@testable import Intercept

/// The route of each port, by Service and request.
struct PlannedPortTests {
  private let service: JSONValue = [
    "kind": "Service", "metadata": ["name": "user", "namespace": "shop"],
    "spec": [
      "clusterIP": "10.0.0.1", "selector": ["app": "user"],
      "ports": [["name": "http", "port": 80, "targetPort": 8080], ["name": "grpc", "port": 81, "targetPort": 9090]],
    ],
  ]
  private let template: JSONValue = [
    "metadata": ["labels": ["app": "user"]],
    "spec": ["containers": [["name": "user", "ports": [["containerPort": 8080], ["containerPort": 9090]]]]],
  ]

  private func localPorts(_ ports: [PortMapping] = [], target: String?) async throws -> [UInt16?] {
    var pod: JSONValue = [
      "metadata": [
        "name": "user-0", "labels": ["app": "user"],
        "ownerReferences": [
          ["kind": "StatefulSet", "name": "user", "controller": true, "apiVersion": "apps/v1", "uid": "1"]
        ],
      ], "spec": template["spec"] ?? [:], "status": ["phase": "Running"],
    ]
    pod[path: "spec", "nodeName"] = "node"
    let (service, template, running) = (service, template, pod)
    let server = FakeAPIServer { request in
      switch request.path {
      case "/api/v1/namespaces/shop/services/user": (200, service)
      case "/api/v1/namespaces/shop/services": (200, ["kind": "ServiceList", "metadata": [:], "items": [service]])
      case "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices":
        (200, ["kind": "EndpointSliceList", "metadata": [:], "items": []])
      case "/api/v1/namespaces/shop/pods": (200, ["kind": "PodList", "metadata": [:], "items": [running]])
      case "/apis/apps/v1/namespaces/shop/statefulsets/user":
        (200, ["kind": "StatefulSet", "metadata": ["name": "user"], "spec": ["template": template]])
      default: (404, ["kind": "Status", "code": 404, "reason": "NotFound", "message": .string(request.path)])
      }
    }
    defer { server.stop() }
    var request = InterceptRequest(cluster: ClusterSelection(), service: "user", ports: ports)
    request.target = target.map { InterceptTarget(cluster: ClusterSelection(), target: $0) }
    return try await Planner(client: server.client(), namespace: "shop").plan(request).ports.map(\.localPort)
  }

  @Test("A change that an owner does not allow is refused beforehand")
  func abilities() {
    var request = InterceptRequest(cluster: ClusterSelection(), service: "user", ports: [])
    let rollout = Workload(kind: "Rollout", name: "user")
    #expect(Planner.refusal(of: rollout, for: request) == nil)
    request.moveConnections = .yes
    #expect(Planner.refusal(of: rollout, for: request)?.message.contains("Rollout/user") == true)
    request.moveConnections = .auto
    request.replace = true
    #expect(Planner.refusal(of: rollout, for: request)?.message.contains("--replace") == true)
    #expect(Planner.refusal(of: Workload(["spec": [:]], resource: .deployments), for: request) == nil)
    request.rules = RequestRules(texts: ["path /a"])
    #expect(
      Planner.refusal(of: Workload(["spec": [:]], resource: .deployments), for: request)?.message.contains(
        "requests that meet no rule") == true)
  }

  @Test("Unnamed, each port goes to the container's at the host and in Pods, and to the Service's own in Services")
  func unnamedPorts() async throws {
    #expect(try await localPorts(target: nil) == [8080, 9090])
    #expect(try await localPorts(target: "user") == [80, 81])
    #expect(try await localPorts(target: "svc/user") == [80, 81])
    #expect(try await localPorts(target: "deploy/user") == [8080, 9090])
    #expect(try await localPorts(target: "pod/user-0") == [8080, 9090])
  }

  @Test("Named, only those go")
  func namedPorts() async throws {
    #expect(try await localPorts([PortMapping(local: 5000, remote: "grpc")], target: "user") == [nil, 5000])
  }
}
