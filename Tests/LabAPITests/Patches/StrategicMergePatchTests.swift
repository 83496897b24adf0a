import Testing

import enum KubeObjects.JSONValue

@testable import LabAPI

@Suite struct StrategicMergePatchTests {
  private let schema = MergeSchema.schema(for: .deployment)

  private func podSpec(_ spec: JSONValue) -> JSONValue { ["spec": ["template": ["spec": spec]]] }

  private func patched(_ spec: JSONValue, with patch: JSONValue) throws -> JSONValue? {
    try StrategicMergePatch.apply(podSpec(patch), to: podSpec(spec), schema)[path: "spec", "template", "spec"]
  }

  @Test func containersMergeByName() throws {
    let result = try patched(
      [
        "containers": [
          ["name": "a", "image": "1", "env": [["name": "X", "value": "1"]]], ["name": "b", "image": "1"],
        ]
      ],
      with: [
        "containers": [
          ["name": "a", "image": "2", "env": [["name": "Y", "value": "2"]]], ["name": "c", "image": "1"],
        ]
      ])
    #expect(
      result == [
        "containers": [
          ["name": "a", "image": "2", "env": [["name": "X", "value": "1"], ["name": "Y", "value": "2"]]],
          ["name": "b", "image": "1"],
          ["name": "c", "image": "1"],
        ]
      ])
  }

  @Test func elementsAreDeletedByDirective() throws {
    let result = try patched(
      ["containers": [["name": "a"], ["name": "b"]]], with: ["containers": [["$patch": "delete", "name": "a"]]])
    #expect(result == ["containers": [["name": "b"]]])
  }

  @Test func aListIsReplacedByDirective() throws {
    let result = try patched(
      ["containers": [["name": "a"], ["name": "b"]]], with: ["containers": [["name": "c"], ["$patch": "replace"]]])
    #expect(result == ["containers": [["name": "c"]]])
  }

  @Test func mapsAreReplacedAndDeletedByDirective() throws {
    let spec: JSONValue = ["securityContext": ["runAsUser": 1, "fsGroup": 2], "nodeSelector": ["a": "b"]]
    let result = try patched(
      spec, with: ["securityContext": ["$patch": "replace", "runAsUser": 5], "nodeSelector": ["$patch": "delete"]])
    #expect(result == ["securityContext": ["runAsUser": 5]])
  }

  @Test func atomicListsAreReplaced() throws {
    let result = try patched(
      ["tolerations": [["key": "a"]], "hostname": "x"], with: ["tolerations": [["key": "b"]], "hostname": nil])
    #expect(result == ["tolerations": [["key": "b"]]])
  }

  @Test func elementOrderIsSet() throws {
    let result = try patched(
      ["containers": [["name": "a"], ["name": "b"], ["name": "other"]]],
      with: [
        "$setElementOrder/containers": [["name": "c"], ["name": "b"], ["name": "a"]], "containers": [["name": "c"]],
      ])
    #expect(result?["containers"]?.elements.compactMap { $0["name"]?.stringValue } == ["c", "b", "other", "a"])
  }

  @Test func retainKeysDropsTheOthers() throws {
    let object: JSONValue = ["spec": ["strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1]]]]
    let patch: JSONValue = ["spec": ["strategy": ["$retainKeys": ["type"], "type": "Recreate"]]]
    #expect(try StrategicMergePatch.apply(patch, to: object, schema) == ["spec": ["strategy": ["type": "Recreate"]]])
  }

  @Test func primitiveListsMergeAndLoseElements() throws {
    let object: JSONValue = ["metadata": ["finalizers": ["a", "b"]]]
    let patch: JSONValue = ["metadata": ["finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]]]
    let result = try StrategicMergePatch.apply(patch, to: object, schema)[path: "metadata", "finalizers"]
    #expect(Set((result?.elements ?? []).compactMap(\.stringValue)) == ["b", "c"])
  }

  @Test func servicePortsMergeByPort() throws {
    let object: JSONValue = ["spec": ["ports": [["port": 80, "name": "http"], ["port": 443, "name": "https"]]]]
    let patch: JSONValue = ["spec": ["ports": [["port": 80, "targetPort": 8080]]]]
    let result = try StrategicMergePatch.apply(patch, to: object, MergeSchema.schema(for: .service))
    #expect(
      result == [
        "spec": ["ports": [["port": 80, "name": "http", "targetPort": 8080], ["port": 443, "name": "https"]]]
      ])
  }

  @Test func aMergedElementNeedsItsKey() {
    #expect(throws: PatchError.self) {
      try patched(["containers": [["name": "a"]]], with: ["containers": [["image": "x"]]])
    }
  }
}
