import KubeObjects
import Testing

@testable import Deploy

struct RolloutTests {
  private static let revision = "deployment.kubernetes.io/revision"

  private func object(_ kind: String, uid: String, owner: String? = nil, revision: String? = nil) -> JSONValue {
    var object: JSONValue = ["kind": JSONValue(kind), "metadata": ["name": JSONValue(uid), "uid": JSONValue(uid)]]
    if let owner { object[path: "metadata", "ownerReferences"] = [["uid": JSONValue(owner), "controller": true]] }
    if let revision { object.annotations = [Self.revision: revision] }
    return object
  }

  private func pod(_ uid: String, of owner: String, ready: Bool) -> JSONValue {
    var pod = object("Pod", uid: uid, owner: owner)
    pod["status"] = ["conditions": [["type": "Ready", "status": JSONValue(ready ? "True" : "False")]]]
    return pod
  }

  private func deployment(observed: Int) -> JSONValue {
    var deployment = object("Deployment", uid: "d", revision: "2")
    deployment["spec"] = ["replicas": 1]
    deployment["status"] = ["observedGeneration": JSONValue(observed)]
    return deployment
  }

  private var sets: [JSONValue] {
    [
      object("ReplicaSet", uid: "old", owner: "d", revision: "1"),
      object("ReplicaSet", uid: "new", owner: "d", revision: "2"),
    ]
  }

  @Test("A Deployment is ready with its new Pod, not with its old one")
  func newPod() {
    let old = pod("a", of: "old", ready: true)
    let before = Rollout(
      deployment(observed: 3), generation: 3, replicaSets: sets, pods: [old, pod("b", of: "new", ready: false)])
    #expect(!before.isComplete && before.ready == 0)
    let after = Rollout(
      deployment(observed: 3), generation: 3, replicaSets: sets, pods: [old, pod("b", of: "new", ready: true)])
    #expect(after.isComplete && after.pods.map(\.uid) == ["b"])
  }

  @Test("Does not count a state that the controller has not seen yet")
  func unobserved() {
    let rollout = Rollout(
      deployment(observed: 2), generation: 3, replicaSets: sets, pods: [pod("b", of: "new", ready: true)])
    #expect(!rollout.isComplete)
  }

  @Test("A StatefulSet's Pods of the update revision")
  func statefulSet() {
    var set = object("StatefulSet", uid: "s")
    set["spec"] = ["replicas": 1]
    set["status"] = ["observedGeneration": 1, "updateRevision": "s-2"]
    var pod = pod("p", of: "s", ready: true)
    pod.labels = ["controller-revision-hash": "s-1"]
    #expect(!Rollout(set, generation: 1, replicaSets: [], pods: [pod]).isComplete)
    pod.labels = ["controller-revision-hash": "s-2"]
    #expect(Rollout(set, generation: 1, replicaSets: [], pods: [pod]).isComplete)
  }

  @Test("Jobs complete, or fail for good")
  func jobs() {
    var job = object("Job", uid: "j")
    job["status"] = ["conditions": [["type": "Complete", "status": "True"]]]
    #expect(Rollout(job, generation: 1, replicaSets: [], pods: []).isComplete)
    job["status"] = [
      "conditions": [["type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"]]
    ]
    let failed = Rollout(job, generation: 1, replicaSets: [], pods: [])
    #expect(failed.isFinal && failed.failure == "BackoffLimitExceeded: m")
  }
}
