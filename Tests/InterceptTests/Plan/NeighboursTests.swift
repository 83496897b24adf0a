import ControlAPI
import KubeObjects
import Testing
import Workloads

@testable import Intercept

struct NeighboursTests {
  private func service(_ name: String, _ spec: JSONValue) -> JSONValue {
    ["metadata": ["name": JSONValue(name), "namespace": "shop"], "spec": spec]
  }

  private func neighbours(_ others: JSONValue...) throws -> Neighbours {
    let workload = Workload(
      [
        "metadata": ["name": "web"],
        "spec": [
          "template": [
            "metadata": ["labels": ["app": "web", "tier": "front"]],
            "spec": [
              "containers": [["name": "web", "ports": [["name": "http", "containerPort": 8080]]]],
              "initContainers": [
                ["name": "s", "restartPolicy": "Always", "ports": [["name": "stats", "containerPort": 9102]]]
              ],
            ],
          ]
        ],
      ], resource: .deployments)
    let own = service("web", ["selector": ["app": "web"], "ports": [["port": 80, "targetPort": "http"]]])
    let port = PlannedPort(servicePort: 80, name: nil, podPort: 8080, localPort: 3000, speaksHTTP2: false)
    return try Neighbours([own] + others, of: workload, besides: "web", ports: [port])
  }

  @Test("Every target port of every Service of these Pods; others that share an intercepted one")
  func ports() throws {
    let found = try neighbours(
      service("stats", ["selector": ["app": "web"], "ports": [["port": 1, "targetPort": "stats"]]]),
      service("same", ["selector": ["tier": "front"], "ports": [["port": 8080]]]),
      service("other", ["selector": ["app": "other"], "ports": [["port": 7000]]]),
      service("bare", ["ports": [["port": 7001]]]))
    #expect(found.ports == [8080, 9102])
    #expect(found.sharing == ["same"])
    #expect(found.early.isEmpty)
    #expect(found.warnings.count == 1)
  }

  @Test("One that lists Pods before they are ready is reported; it never selects a diverted one's label")
  func early() throws {
    let found = try neighbours(
      service(
        "pods",
        [
          "selector": ["app": "web", "devtunnel.dev/agent": "web"], "publishNotReadyAddresses": true,
          "clusterIP": "None",
        ]))
    #expect(found.early == ["pods"])
    #expect(found.warnings.first?.contains("publishNotReadyAddresses") == true)
  }

  @Test("UDP is passed on; a transport that the agent could not pass on is refused")
  func datagrams() throws {
    func found(_ transport: JSONValue) throws -> Neighbours {
      try neighbours(
        service(
          "dns", ["selector": ["app": "web"], "ports": [["port": 53, "targetPort": 8080, "protocol": transport]]]))
    }
    #expect(try found("UDP").datagrams == [8080])
    #expect(try found("UDP").sharing.isEmpty)
    #expect(throws: ControlError.self) { try found("SCTP") }
  }
}
