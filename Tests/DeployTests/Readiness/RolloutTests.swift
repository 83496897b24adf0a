import KubeObjects
import Testing

@testable import Deploy

struct RolloutTests {
  private static let revision = "deployment.kubernetes.io/revision"

  private func object(_ kind: String, uid: String, owner: String? = nil, revision: String? = nil) -> JSONValue {
    var object: JSONValue = ["kind": JSONValue(kind), "metadata": ["name": JSONValue(uid), "uid": JSONValue(uid)]]
    if let owner {
      let reference = OwnerReference(apiVersion: "apps/v1", kind: "Any", name: "any", uid: owner, isController: true)
      object[path: "metadata", "ownerReferences"] = [reference.json]
    }
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

  private func barePod(image: String, instance: String?) -> JSONValue {
    var pod = object("Pod", uid: "p")
    pod["spec"] = [
      "containers": [["name": "main", "image": JSONValue(image)], ["name": "side", "image": "side:1"]]
    ]
    var main: JSONValue = ["name": "main", "ready": true]
    if let instance { main["containerID"] = JSONValue(instance) }
    pod["status"] = [
      "conditions": [["type": "Ready", "status": "True"]],
      "containerStatuses": [main, ["name": "side", "ready": true, "containerID": "containerd://s"]],
    ]
    return pod
  }

  @Test("A Pod whose image changed is ready with the new container, not while the old one still runs")
  func barePodReplaced() {
    let old = barePod(image: "app:1", instance: "containerd://a")
    var new = barePod(image: "app:2", instance: "containerd://a")
    let replaced = PodState.replaced(old, by: new)
    #expect(replaced == ["main": "containerd://a"])
    let before = Rollout(new, generation: 2, replicaSets: [], pods: [], replaced: replaced)
    #expect(!before.isComplete && before.former == "main" && before.ready == 0)
    new = barePod(image: "app:2", instance: "containerd://b")
    let after = Rollout(new, generation: 2, replicaSets: [], pods: [], replaced: replaced)
    #expect(after.isComplete && after.former == nil)
    // Nothing is replaced by an apply that changes no image, by another Pod, or before anything runs.
    #expect(PodState.replaced(old, by: old).isEmpty)
    #expect(PodState.replaced(barePod(image: "app:1", instance: nil), by: new).isEmpty)
    var other = new
    other[path: "metadata", "uid"] = "q"
    #expect(PodState.replaced(old, by: other).isEmpty)
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
