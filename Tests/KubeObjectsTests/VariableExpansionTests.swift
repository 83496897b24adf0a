import KubeObjects
import Testing

@Suite struct VariableExpansionTests {
  @Test(arguments: [
    ("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$A $", "$A $"), ("$(A", "$(A"), ("", ""),
    ("x$(A)y$(A)", "x1y1"), ("$($(A)", "$($(A)"), ("$()", "$()"), ("$(A)$(", "1$("), ("$(A)$(A", "1$(A"),
    (")$(", ")$("),
    ("$\u{301}(A)$(\u{301}A)", "$\u{301}(A)$(\u{301}A)"), ("\u{e9}$(A)\u{301}", "\u{e9}1\u{301}"),
  ])
  func expansion(text: String, expected: String) {
    #expect(VariableExpansion.expand(text, ["A": "1"], limit: 100) == expected)
  }

  @Test("The limit is one of the result's bytes")
  func limit() {
    #expect(VariableExpansion.expand("$(A)$(A)", ["A": "\u{e9}"], limit: 4) == "\u{e9}\u{e9}")
    #expect(VariableExpansion.expand("$(A)$(A)", ["A": "\u{e9}"], limit: 3) == nil)
    #expect(VariableExpansion.expand("$$$$", [:], limit: 2) == "$$")
    #expect(VariableExpansion.expand("abc", [:], limit: 2) == nil)
  }

  @Test("Brackets that nothing closes are not followed to the end each time", .timeLimit(.minutes(1)))
  func openBrackets() {
    let text = String(repeating: "$(", count: 500_000)
    #expect(VariableExpansion.expand(text, [:], limit: 1 << 20) == text)
    let closed = String(repeating: "$()", count: 300_000)
    #expect(VariableExpansion.expand(closed, [:], limit: 1 << 20) == closed)
  }
}
