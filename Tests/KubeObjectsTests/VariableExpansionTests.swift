import KubeObjects
import Testing

@Suite struct VariableExpansionTests {
  @Test(arguments: [
    ("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$A $", "$A $"), ("$(A", "$(A"), ("", ""),
    ("x$(A)y$(A)", "x1y1"),
  ])
  func expansion(text: String, expected: String) { #expect(VariableExpansion.expand(text, ["A": "1"]) == expected) }
}
