import KubeObjects
import Testing

@testable import Workloads

struct ContainerResourcesTests {
  private let own: JSONValue = [
    "name": "app",
    "resources": ["limits": ["cpu": "1500m", "memory": "100Mi"], "requests": ["memory": "64Mi"]],
  ]

  private func value(_ reference: JSONValue) -> String? {
    ContainerResources.value(
      reference, of: own,
      in: ["spec": ["containers": [own, ["name": "gate", "resources": ["limits": ["cpu": 2]]]]]])
  }

  @Test(
    "Amounts in the divisor's unit, rounded up; a missing request is the limit; a missing limit depends on the node",
    arguments: [
      (["resource": "limits.cpu"], "2"), (["resource": "limits.cpu", "divisor": "1m"], "1500"),
      (["resource": "limits.memory", "divisor": "1Mi"], "100"), (["resource": "limits.memory"], "104857600"),
      (["resource": "requests.memory", "divisor": "1Mi"], "64"),
      (["resource": "requests.cpu", "divisor": "1m"], "1500"),
      (["resource": "requests.ephemeral-storage"], "0"), (["resource": "limits.ephemeral-storage"], nil),
      (["resource": "limits.cpu", "divisor": "0"], "2"), (["resource": "limits.cpu", "containerName": "gate"], "2"),
      (["resource": "limits.memory", "containerName": "gate"], nil),
      (["resource": "limits.cpu", "containerName": "nope"], nil), (["resource": "cpu"], nil), ([:], nil),
      (["resource": "limits.cpu", "divisor": "x"], nil),
    ] as [(JSONValue, String?)])
  func value(reference: JSONValue, expected: String?) { #expect(value(reference) == expected) }
}
