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
}
