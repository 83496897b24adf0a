import KubeAPI
import KubeObjects
import Testing

@testable import Workloads

struct WorkloadOwnerTests {
  private func reference(_ apiVersion: String, _ kind: String, _ name: String) -> JSONValue {
    OwnerReference(apiVersion: apiVersion, kind: kind, name: name, uid: "u-2", isController: true).json
  }

  private func object(_ name: String, owner: JSONValue?) -> JSONValue {
    var object: JSONValue = ["metadata": ["name": JSONValue(name)]]
    if let owner { object[path: "metadata", "ownerReferences"] = [owner] }
    return object
  }

  /// Returns the owner of a Pod `p`, whose owner's own owner is `above`.
  private func owner(_ direct: JSONValue?, above: JSONValue? = nil) -> String? {
    let owners = WorkloadOwner.all(of: [object("p", owner: direct)]) { object($0.name, owner: above) }
    return owners.count == 1 ? owners.first?.description : nil
  }

  @Test(
    "A named workload's Pods are its own, not those of one whose name begins alike",
    arguments: [
      ("Deployment", "web", "ReplicaSet", "web-5d9c", true),
      ("Deployment", "web", "ReplicaSet", "web-admin-5d9c", false),
      ("Deployment", "web", "ReplicaSet", "web-5d9d", false), ("StatefulSet", "db", "StatefulSet", "db", true),
      ("StatefulSet", "db", "StatefulSet", "db-copy", false), ("CronJob", "run", "Job", "run-29384", true),
      ("CronJob", "run", "Job", "run-all-29384", false), ("Deployment", "web", "Job", "web-5d9c", false),
    ])
  func ownPods(kind: String, name: String, ownerKind: String, owner: String, isOwn: Bool) {
    let workload: JSONValue = ["kind": JSONValue(kind), "metadata": ["name": JSONValue(name), "uid": "u-1"]]
    var reference = self.reference("apps/v1", ownerKind, owner)
    if ownerKind == kind, owner == name { reference["uid"] = "u-1" }
    var pod = object("p", owner: reference)
    pod[path: "metadata", "labels"] = ["pod-template-hash": "5d9c"]
    #expect(WorkloadFinder.isOwned(pod, by: workload) == isOwn)
    #expect(!WorkloadFinder.isOwned(object("p", owner: nil), by: workload))
  }

  @Test("An object that another makes anew is replaced by that one; a Pod without owner is its own")
  func followed() {
    let deployment = reference("apps/v1", "Deployment", "web")
    #expect(owner(reference("apps/v1", "ReplicaSet", "web-1"), above: deployment) == "Deployment/web")
    #expect(owner(reference("apps/v1", "ReplicaSet", "web-1")) == "ReplicaSet/web-1")
    #expect(
      owner(
        reference("apps/v1", "ReplicaSet", "web-1"), above: reference("argoproj.io/v1alpha1", "Rollout", "web"))
        == "Rollout/web")
    #expect(
      owner(reference("batch/v1", "Job", "run-1"), above: reference("batch/v1", "CronJob", "run")) == "CronJob/run")
    #expect(
      owner(
        reference("v1", "ReplicationController", "web-1"),
        above: reference("apps.openshift.io/v1", "DeploymentConfig", "web"))
        == "DeploymentConfig/web")
    #expect(owner(nil) == "Pod/p")
    #expect(owner(reference("v1", "Node", "node-1")) == "Pod/p")
  }

  @Test("An owner of another kind is not followed: it may own several workloads")
  func notFollowed() {
    let above = reference("shop.example/v1", "Shop", "shop")
    #expect(owner(reference("apps/v1", "StatefulSet", "db"), above: above) == "StatefulSet/db")
    #expect(owner(reference("apps.kruise.io/v1alpha1", "CloneSet", "web"), above: above) == "CloneSet/web")
    // Another group's kind of that name.
    #expect(owner(reference("x.example/v1", "ReplicaSet", "web"), above: above) == "ReplicaSet/web")
  }

  @Test("Kinds of Kubernetes are known by group and kind")
  func resources() {
    func resource(_ apiVersion: String, _ kind: String) -> APIResource? {
      WorkloadOwner(of: object("p", owner: reference(apiVersion, kind, "x")))?.resource
    }
    #expect(resource("apps/v1", "DaemonSet") == .daemonSets)
    #expect(resource("v1", "ReplicationController") == .replicationControllers)
    #expect(resource("batch/v1", "Job") == .jobs)
    #expect(resource("argoproj.io/v1alpha1", "Rollout") == nil)
    #expect(resource("x.example/v1", "Deployment") == nil)
  }

  @Test("No Pod, or Pods of several owners, are refused")
  func refused() {
    let two = WorkloadOwner.all(of: [object("a", owner: nil), object("b", owner: nil)]) { _ in nil }
    #expect(WorkloadFinder.refusal(of: two, service: "shop/web")?.message.contains("Pod/a, Pod/b") == true)
    #expect(WorkloadFinder.refusal(of: [], service: "shop/web")?.code == .refused)
    #expect(
      WorkloadFinder.refusal(of: WorkloadOwner.all(of: [object("a", owner: nil)]) { _ in nil }, service: "x") == nil)
  }

  @Test("The present revision of Deployments and StatefulSets")
  func revisions() {
    var deployment = object("web", owner: nil)
    deployment.annotations = ["deployment.kubernetes.io/revision": "2"]
    func set(_ hash: String, _ revision: String) -> JSONValue {
      var set = object("web-\(hash)", owner: nil)
      set.annotations = ["deployment.kubernetes.io/revision": revision]
      set.labels = ["pod-template-hash": hash]
      return set
    }
    #expect(WorkloadFinder.revision(of: deployment, sets: [set("a", "1"), set("b", "2")])?.value == "b")
    #expect(WorkloadFinder.revision(of: deployment, sets: [set("a", "1")]) == nil)
    var stateful = object("db", owner: nil)
    stateful[path: "status", "updateRevision"] = "db-5"
    let revision = WorkloadFinder.revision(of: stateful, sets: [])
    #expect(revision?.key == "controller-revision-hash")
    #expect(revision?.value == "db-5")
    #expect(WorkloadFinder.revision(of: object("x", owner: nil), sets: []) == nil)
  }
}
