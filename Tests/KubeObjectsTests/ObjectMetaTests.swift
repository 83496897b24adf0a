import KubeObjects
import Testing

@Suite struct ObjectMetaTests {
  @Test func readsWhatIsThere() {
    let pod: JSONValue = [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 2, "labels": ["app": "x"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [["kind": "Other"], ["kind": "ReplicaSet", "controller": true]],
      ],
    ]
    #expect(pod.kind == "Pod" && pod.apiVersion == "v1" && pod.name == "a" && pod.namespace == "n" && pod.uid == "u")
    #expect(
      pod.resourceVersion == "7" && pod.generation == 2 && pod.labels == ["app": "x"] && pod.annotations.isEmpty
        && pod.isBeingDeleted)
    #expect(pod.controllerReference?.kind == "ReplicaSet")
  }

  @Test func absentMembersReadAsNothing() {
    let empty: JSONValue = [:]
    #expect(empty.name == nil && empty.labels.isEmpty && !empty.isBeingDeleted && empty.controllerReference == nil)
  }

  @Test func writes() {
    var object: JSONValue = [:]
    object.name = "a"
    object.labels = ["b": "c"]
    object.annotations = ["d": "e"]
    #expect(object == ["metadata": ["name": "a", "labels": ["b": "c"], "annotations": ["d": "e"]]])
    object.annotations = [:]
    #expect(object == ["metadata": ["name": "a", "labels": ["b": "c"]]])
  }
}
