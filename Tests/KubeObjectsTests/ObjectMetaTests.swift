import KubeObjects
import Testing

@Suite struct ObjectMetaTests {
  @Test func readsWhatIsThere() {
    let pod: JSONValue = [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 2, "labels": ["app": "x"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
      ],
    ]
    #expect(pod.kind == "Pod" && pod.apiVersion == "v1" && pod.name == "a" && pod.namespace == "n" && pod.uid == "u")
    #expect(
      pod.resourceVersion == "7" && pod.generation == 2 && pod.labels == ["app": "x"] && pod.annotations.isEmpty
        && pod.isBeingDeleted)
  }

  @Test func absentMembersReadAsNothing() {
    let empty: JSONValue = [:]
    #expect(empty.name == nil && empty.labels.isEmpty && !empty.isBeingDeleted && empty.controllerReference == nil)
  }

  @Test("An object's place is its namespace and name, as far as they are there")
  func place() {
    var object: JSONValue = [:]
    #expect(object.place == "")
    object.name = "web"
    #expect(object.place == "web")
    object.namespace = "shop"
    #expect(object.place == "shop/web")
  }

  @Test(
    "Objects are ordered by their times, then by their names",
    arguments: [
      ("2026-01-01T00:00:00Z", "b", "2026-01-02T00:00:00Z", "a", true),
      ("2026-01-02T00:00:00Z", "a", "2026-01-01T00:00:00Z", "b", false),
      ("2026-01-01T00:00:00Z", "a", "2026-01-01T00:00:00Z", "b", true),
      ("2026-01-01T00:00:00Z", "a", "2026-01-01T00:00:00Z", "a", false),
    ])
  func age(time: String, name: String, otherTime: String, otherName: String, isOlder: Bool) {
    func object(_ time: String, _ name: String) -> JSONValue {
      ["metadata": ["name": JSONValue(name), "creationTimestamp": JSONValue(time)]]
    }
    #expect(object(time, name).isOlder(than: object(otherTime, otherName)) == isOlder)
  }

  @Test func isNamedOneOf() {
    let entry: JSONValue = ["name": "a"]
    #expect(entry.isNamed(oneOf: ["a", "b"]) && !entry.isNamed(oneOf: ["b"]) && !JSONValue.null.isNamed(oneOf: [""]))
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
