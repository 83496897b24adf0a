import KubeObjects
import Testing

@testable import KubeAPI

struct ManifestFileTests {
  @Test func documentsComeInOrderAndEmptyOnesAreLeftOut() throws {
    let objects = try ManifestFile.objects(
      in: "# a comment\n---\nkind: A\n---\n---\nkind: B\nspec: {n: 1, on: true}\n", file: "f")
    #expect(objects == [["kind": "A"], ["kind": "B", "spec": ["n": 1, "on": true]]])
  }

  @Test func whatJSONCannotSayStaysAWord() throws {
    let objects = try ManifestFile.objects(in: "command: [sleep, infinity, nan, 1.5]", file: "f")
    #expect(objects == [["command": ["sleep", "infinity", "nan", 1.5]]])
  }

  @Test func aMistakeIsToldWithItsPlace() {
    let error = #expect(throws: KubeError.self) {
      try ManifestFile.objects(in: "kind: A\n---\na: [1\nb: 2\n", file: "shop.yaml")
    }
    guard case .config("shop.yaml", let line?, _, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(line >= 3)
  }

  @Test func aKeyThatAppearsTwiceIsRefusedWithItsPlace() {
    let error = #expect(throws: KubeError.self) {
      try ManifestFile.objects(in: "kind: A\nspec:\n- {a: 1}\n- a: 1\n  a: 2\n", file: "f")
    }
    guard case .config("f", 5?, 3?, "the key 'a' appears twice", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func plainWordsHaveKubectlsTypes() throws {
    let objects = try ManifestFile.objects(in: "[~, yes, 010, 0x10, 1_000, 1e3, 12:30, '1']", file: "f")
    #expect(objects.isEmpty)
    #expect(
      try ManifestFile.objects(in: "a: [~, yes, 010, 0x10, 1_000, 1e3, 12:30, '1']", file: "f")
        == [["a": [nil, true, 8, 16, 1000, 1000, "12:30", "1"]]])
  }
}
