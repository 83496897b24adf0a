import Testing

import enum KubeObjects.JSONValue

@testable import LabAPI

@Suite struct JSONPatchTests {
  private func apply(_ patch: JSONValue, to object: JSONValue) throws -> JSONValue {
    try JSONPatch(patch).applied(to: object)
  }

  @Test func addsReplacesAndRemoves() throws {
    let result = try apply(
      [
        ["op": "add", "path": "/a/b", "value": 1], ["op": "replace", "path": "/x", "value": "new"],
        ["op": "remove", "path": "/gone"],
        ["op": "add", "path": "/list/-", "value": 3], ["op": "add", "path": "/list/0", "value": 0],
        ["op": "remove", "path": "/list/1"],
      ], to: ["a": [:], "x": "old", "gone": true, "list": [1, 2]])
    #expect(result == ["a": ["b": 1], "x": "new", "list": [0, 2, 3]])
  }

  @Test func pointersAreUnescaped() throws {
    let result = try apply(
      [["op": "add", "path": "/labels/devtunnel.dev~1agent~0", "value": "x"]], to: ["labels": [:]])
    #expect(result == ["labels": ["devtunnel.dev/agent~": "x"]])
  }

  @Test func movesAndCopies() throws {
    let result = try apply(
      [["op": "move", "from": "/a", "path": "/b"], ["op": "copy", "from": "/b", "path": "/c"]], to: ["a": 1])
    #expect(result == ["b": 1, "c": 1])
  }

  @Test func aFailedTestStopsThePatch() {
    let patch: JSONValue = [["op": "test", "path": "/a", "value": 1], ["op": "replace", "path": "/a", "value": 5]]
    #expect(throws: PatchError.self) { try apply(patch, to: ["a": 2]) }
    #expect(throws: Never.self) { try apply(patch, to: ["a": 1]) }
  }

  @Test(arguments: ["replace", "remove"]) func whatIsNotThereCannotChange(_ operation: String) {
    #expect(throws: PatchError.self) { try apply([["op": .string(operation), "path": "/none", "value": 1]], to: [:]) }
  }

  @Test func malformedPatchesAreRefused() {
    for patch: JSONValue in [
      ["op": "add"], [["op": "add", "path": "a", "value": 1]], [["op": "add", "path": "/a"]],
      [["op": "x", "path": "/a"]],
    ] {
      #expect(throws: PatchError.self) { try apply(patch, to: [:]) }
    }
  }

  @Test func mergePatchRemovesNulls() {
    let result = MergePatch.apply(["a": nil, "b": ["c": nil, "d": 1]], to: ["a": 1, "b": ["c": 2], "e": 3])
    #expect(result == ["b": ["d": 1], "e": 3])
    #expect(result["a"] == nil)
  }
}
