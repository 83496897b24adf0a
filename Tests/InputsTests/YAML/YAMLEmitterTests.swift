import Inputs
import Testing

struct YAMLEmitterTests {
  @Test("Blocks, empty lists and mappings, and each style")
  func styles() {
    let output = YAMLOutput.mapping([
      (.scalar("name", .plain), .scalar("web", .plain)),
      (.scalar("port", .plain), .scalar("80", .doubleQuoted)),
      (.scalar("args", .plain), .sequence([.scalar("a", .plain), .sequence([]), .mapping([])])),
      (.scalar("script", .plain), .scalar("one\ntwo\n", .literal)),
    ])
    #expect(
      YAMLEmitter.text(output) == """
        name: web
        port: "80"
        args:
        - a
        - []
        - {}
        script: |
          one
          two

        """)
  }

  @Test(
    "A text that was written is read as the same text",
    arguments: [
      "", " ", "a: b", "# no comment", "- x", "é → ✓", "a\tb", "\u{1}", "'", "\"", "[", "&a", "*a", "x\n\n", "%",
    ])
  func roundTrip(text: String) throws {
    for style in [YAMLOutput.Style.plain, .doubleQuoted, .literal] {
      let written = try #require(YAMLEmitter.text(.sequence([.scalar(text, style)])))
      guard case .sequence(let elements) = try YAMLText.read(written).first?.content else {
        Issue.record("\(written)")
        continue
      }
      guard elements.count == 1, case .scalar(text, _) = elements[0].content else {
        Issue.record("\(written)")
        continue
      }
    }
  }

  @Test("Long lines are not broken, and other scripts are not escaped")
  func width() {
    let long = Array(repeating: "wörd", count: 100).joined(separator: " ")
    #expect(YAMLEmitter.text(.scalar(long, .plain))?.hasPrefix(long + "\n") == true)
  }
}
