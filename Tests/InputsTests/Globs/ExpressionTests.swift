import Inputs
import Testing

struct ExpressionTests {
  @Test(
    "The part of Go's syntax that is used",
    arguments: [
      ("kind-.*", "my-kind-dev", true), ("^kind", "my-kind", false), ("dev$", "my-dev", true),
      ("^(a|bc|)$", "bc", true), ("^(a|bc|)$", "", true),
      ("^(a|bc)$", "b", false), ("a+b?c*", "xxab", true), ("^a{2,3}$", "aaaa", false), ("^a{2,3}$", "aa", true),
      ("^a{2,}$", "aaaaa", true),
      ("^a{2}$", "a", false),
      ("[a-c]+\\d", "zb7", true), ("^[^a-c]$", "b", false), ("^\\w+@\\S+$", "me@host", true),
      ("gke_.*\\.x", "gke_ab", false), ("(?:ab)+?c", "ababc", true),
      ("[]a]", "]", true), ("^\\.$", ".", true), ("é", "caféx", true), ("", "any", true),
    ])
  func matches(pattern: String, text: String, expected: Bool) throws {
    #expect(try #require(Expression(pattern)).matches(text) == expected)
  }

  @Test(
    "Refuses expressions that are not supported",
    arguments: ["(", ")", "a)", "*a", "[a", "(?i)a", "\\bx", "\\", "[z-a]", "((((a{100}){100}){100}){100})", "a{3,2}"])
  func unknown(pattern: String) { #expect(Expression(pattern) == nil) }

  @Test(
    "Expressions that would make a backtracking engine run for years", .timeLimit(.minutes(1)),
    arguments: ["(a*)*b", "(a+)+$", "(a|a)*b", "(.*)*(.*)*(.*)*x", "(a?){100}a{100}b", "(){100}{100}{100}{100}b"])
  func bombs(pattern: String) throws {
    #expect(try !#require(Expression(pattern)).matches(String(repeating: "a", count: 2000) + "c"))
  }
}
