import ControlAPI
import KubeObjects
import Testing

@testable import Intercept

/// Container `gate` is in front of `app`; `stats` is a sidecar.
struct ContainerRemarksTests {
  private let template: JSONValue = [
    "spec": [
      "initContainers": [["name": "stats", "restartPolicy": "Always", "ports": [["containerPort": 9102]]]],
      "containers": [
        ["name": "gate", "ports": [["containerPort": 4180], ["containerPort": 53, "protocol": "UDP"]]],
        ["name": "app", "ports": [["containerPort": 8080]]],
      ],
    ]
  ]

  private func warnings(_ port: UInt16, container: String) -> [String] {
    let port = PlannedPort(servicePort: 80, name: "web", podPort: port, localPort: 3000, speaksHTTP2: false)
    return ContainerRemarks(template: template, container: container).warnings([port], service: "shop/portal")
  }

  // MARK: Containers that stay

  private func passed(_ targets: [UInt16], container: String = "app", given: UInt16? = nil) throws -> (
    agent: [UInt16], gates: [UInt16: UInt16]
  ) {
    var ports = targets.map {
      PlannedPort(servicePort: Int($0), name: nil, podPort: $0, localPort: nil, speaksHTTP2: false)
    }
    let gates = try ContainerRemarks(template: template, container: container).passGates(&ports, given: given)
    return (ports.map(\.agentPort), gates)
  }

  @Test("Ports of a container that stays go to the application's; its own and unknown ones do not change")
  func gated() throws {
    let passed = try passed([4180, 8080, 7000, 9102])
    #expect(passed.agent == [8080, 8080, 7000, 8080])
    #expect(passed.gates == [8080: 4180])
    #expect(try self.passed([8080]).gates.isEmpty)
    #expect(try self.passed([4180], given: 3000).agent == [3000])
  }

  @Test("A container with no port, or several, must be named with its port")
  func unclear() throws {
    var remarks = ContainerRemarks(template: ["spec": ["containers": [["name": "app"]]]], container: "app")
    #expect(throws: ControlError.self) { try remarks.applicationPort(given: nil) }
    #expect(try remarks.applicationPort(given: 3000) == 3000)
    remarks = ContainerRemarks(
      template: ["spec": ["containers": [["name": "app", "ports": [["containerPort": 1], ["containerPort": 2]]]]]],
      container: "app")
    let error = #expect(throws: ControlError.self) { try remarks.applicationPort(given: nil) }
    #expect(error?.message.hasSuffix("declares 1, 2") == true)
  }

  @Test("The ports that the other containers keep")
  func kept() {
    #expect(ContainerRemarks(template: template, container: "app").others == [4180, 9102])
  }

  @Test(
    "A container that declares the port and is not replaced is reported",
    arguments: [
      (4180, "app", "gate"), (9102, "app", "stats"), (8080, "gate", "app"), (4180, "gate", nil), (8080, "app", nil),
      (53, "app", nil), (1, "app", nil),
    ] as [(UInt16, String, String?)])
  func gates(port: UInt16, container: String, gate: String?) {
    let found = warnings(port, container: container)
    #expect(found.count == (gate == nil ? 0 : 1))
    if let gate { #expect(found.first?.contains("container \(gate) ") == true) }
  }
}
