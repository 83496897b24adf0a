import KubeObjects
import Testing

@testable import LabNode

struct ServiceRulesTests {
  private let service: JSONValue = [
    "metadata": ["name": "web", "namespace": "shop"],
    "spec": [
      "clusterIP": "10.98.0.7",
      "ports": [["name": "http", "port": 80, "targetPort": 8080], ["name": "u", "port": 53, "protocol": "UDP"]],
    ],
  ]

  private func slice(_ endpoints: JSONValue) -> EndpointSlice {
    EndpointSlice([
      "metadata": ["namespace": "shop", "labels": ["kubernetes.io/service-name": "web"]],
      "ports": [["name": "http", "port": 8080, "protocol": "TCP"]], "endpoints": endpoints,
    ])!
  }

  @Test func readyEndpointsAlone() {
    let rules = ServiceRules(
      services: [service],
      slices: [
        slice([
          ["addresses": ["10.97.0.5"]],
          ["addresses": ["10.97.0.6"], "conditions": ["ready": false, "serving": true, "terminating": true]],
        ])
      ])
    #expect(rules.ports.map(\.proto) == ["udp", "tcp"])
    #expect(rules.ports[1].targets == [.init(address: IPv4Address("10.97.0.5")!, port: 8080)])
    let script = rules.script(serviceNetwork: try! IPv4Network("10.98.0.0/16"), dns: "10.98.0.10")
    #expect(script.contains("10.98.0.7 . tcp . 80 : goto svc-0"))
    #expect(script.contains("dnat ip to numgen random mod 1 map { 0 : 10.97.0.5 . 8080 }"))
    #expect(!script.contains("udp . 53"), "a port without endpoints has no chain: it is rejected")
  }

  @Test func theLastThatServesIsKept() {
    let rules = ServiceRules(
      services: [service],
      slices: [
        slice([["addresses": ["10.97.0.6"], "conditions": ["ready": false, "serving": true, "terminating": true]]])
      ])
    #expect(rules.ports[1].targets.map(\.address.description) == ["10.97.0.6"])
  }

  @Test func headlessServicesHaveNoRules() {
    var headless = service
    headless[path: "spec", "clusterIP"] = "None"
    #expect(ServiceRules(services: [headless], slices: []).ports.isEmpty)
  }
}
