import KubeObjects
import Manifests
import Testing

struct ManifestWriterTests {
  @Test("Written objects read back as the same objects")
  func roundTrip() throws {
    let strings: [JSONValue] = [
      "yes", "on", "y", "null", "~", "", " lead", "trail ", "3306", "0755", "1e3", "1_000", "190:20:30", "2001-01-01",
      ".inf", "-", "- a", "a: b", "a #b", "#a",
      "*a", "&a", "!a",
      "%a", "@a", "`a`", "{a", "[a", "it's", "say \"x\"", "a\nb", "a\nb\n", "a\n\n\nb\n\n", " a\nb", "\nb", "tab\tx",
      "é 😀", "\u{7}", "<<", "=", "true", "100m",
      "-addr=:8080", "~/x", "?",
      "a\r\nb", JSONValue(String(repeating: "word ", count: 60)), "key: |\n  text",
    ]
    let object: JSONValue = [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": ["name": "x", "annotations": ["n": "1", "on": "2", "8080": "3"]], "list": .array(strings),
      "nested": [[], [:], [[1, [2]]]],
      "numbers": [1, -5, 0.5, 1e300, 9_007_199_254_740_993, true, nil],
    ]
    let text = ManifestWriter.yaml([
      Manifest(object), Manifest(["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"]]),
    ])
    var warnings: [Diagnostic] = []
    let read = try ManifestReader.parse(text, file: "out.yaml", warnings: &warnings)
    #expect(read.first?.object == object, "\(text)")
    #expect(read.count == 2 && warnings.isEmpty)
  }

  @Test("Writes an object's identity first and sorts the rest")
  func order() {
    let text = ManifestWriter.yaml([
      Manifest([
        "spec": ["b": 1, "a": ["x"]], "metadata": ["name": "x"], "kind": "K", "apiVersion": "v1", "data": ["p": "8080"],
      ])
    ])
    #expect(text == "apiVersion: v1\nkind: K\nmetadata:\n  name: x\ndata:\n  p: \"8080\"\nspec:\n  a:\n  - x\n  b: 1\n")
  }

  @Test("A document as it was read keeps its plain words, without duplicates")
  func asRead() throws {
    var warnings: [Diagnostic] = []
    let nodes = try YAMLNode.documents(
      in: "a: yes\na: no\nb: 'yes'\nc: 0755\n---\nd: [on]\n", file: "a.yaml", warnings: &warnings)
    #expect(YAMLWriter.yaml(nodes) == "a: no\nb: \"yes\"\nc: 0755\n---\nd:\n- on\n")
  }
}
