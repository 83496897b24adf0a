import Agents
import KubeObjects
import Testing

@testable import Forward

@Suite struct NewestPodTests {
  private func pod(
    _ name: String, created: String, readySince: String? = nil, isBeingDeleted: Bool = false, isAgent: Bool = false
  ) -> JSONValue {
    var pod: JSONValue = ["metadata": ["name": JSONValue(name), "creationTimestamp": JSONValue(created)]]
    if isBeingDeleted { pod[path: "metadata", "deletionTimestamp"] = "2026-01-01T00:00:00Z" }
    if isAgent { pod.labels = [AgentNames.agentLabel: "x"] }
    let condition: JSONValue = [
      "type": "Ready", "status": readySince == nil ? "False" : "True",
      "lastTransitionTime": JSONValue(readySince ?? created),
    ]
    pod["status"] = ["conditions": .array([condition])]
    return pod
  }

  private let old = "2026-01-01T10:00:00Z"
  private let new = "2026-01-01T10:05:00Z"

  @Test("The youngest ready Pod counts, whatever the order of the list")
  func youngest() {
    let pods = [
      pod("a", created: old, readySince: old), pod("b", created: new, readySince: new),
      pod("c", created: new),
    ]
    for order in [pods, pods.reversed()] { #expect(NewestPod.of(order)?.name == "b") }
    // An old Pod that became ready once more is old all the same.
    #expect(
      NewestPod.of([pod("a", created: old, readySince: "2026-01-01T11:00:00Z"), pods[1]])?.name == "b")
  }

  @Test("A Pod that is being deleted answers for its whole grace period, and does not count")
  func ending() {
    let pods = [
      pod("a", created: new, readySince: new, isBeingDeleted: true), pod("b", created: old, readySince: old),
    ]
    #expect(NewestPod.of(pods)?.name == "b")
    #expect(NewestPod.of(pods.prefix(1)) == nil)
  }

  @Test("An agent is no Pod of the workload")
  func agent() { #expect(NewestPod.of([pod("a", created: new, readySince: new, isAgent: true)]) == nil) }
}
