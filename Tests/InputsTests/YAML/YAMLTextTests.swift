import Inputs
import Testing

struct YAMLTextTests {
  /// Each of `levels` lines names the one before `width` times.
  private static func bomb(_ levels: Int, _ width: Int, _ line: (_ level: Int, _ list: String) -> String) -> String {
    (1...levels).reduce("a0: &a0 {x: 1}\n") {
      $0 + line($1, Array(repeating: "*a\($1 - 1)", count: width).joined(separator: ", ")) + "\n"
    }
  }

  /// By name: a text of megabytes as a test's argument takes minutes to describe.
  private static let bombs = [
    ("lists", bomb(9, 10) { "a\($0): &a\($0) [\($1)]" }),
    ("merge keys", bomb(9, 10) { "a\($0): &a\($0) {<<: [\($1)]}" }),
    ("merge keys in lists in lists", bomb(9, 10) { "a\($0): &a\($0) {<<: [[\($1)]]}" }),
    ("values", bomb(20, 2) { level, _ in "a\(level): &a\(level) {b: *a\(level - 1), c: *a\(level - 1)}" }),
    ("a chain", bomb(100_000, 1) { "a\($0): &a\($0) [\($1)]" }),
    ("aliases in a key", bomb(9, 10) { "a\($0): &a\($0) [\($1)]" } + "? *a9\n: 1\n"),
    ("a list as a key", "? [a, b]\n: 1\n"), ("a mapping as a key", "{{a: b}: c}\n"),
    ("documents", Array(repeating: bomb(3, 20) { "a\($0): &a\($0) [\($1)]" }, count: 1000).joined(separator: "---\n")),
    ("depth", String(repeating: "[", count: 100_000)),
    ("depth of blocks", (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined()),
    ("depth of a line", String(repeating: "- ", count: 10_000) + "a\n"),
    ("keys that stand twice", String(repeating: "a: 1\n", count: 100_000)),
    ("directives", (0..<100_000).map { "%TAG !a\($0)! b\n" }.joined() + "---\na: 1\n"),
    ("text", String(repeating: "a", count: (16 << 20) + 1)),
    (
      "a long text",
      "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [\(String(repeating: "*a,", count: 50_000))]\n"
    ),
    (
      "long keys",
      "a: &a\n  ? \(String(repeating: "x", count: 1 << 20))\n  : 1\nb: [\(String(repeating: "*a,", count: 9_000))]\n"
    ),
    (
      "a long text in documents",
      String(repeating: "a: &a \(String(repeating: "x", count: 1 << 19))\nb: [*a, *a, *a, *a]\n---\n", count: 20)
    ),
  ]

  @Test(
    "A text that means more than it says is refused, with its place", .timeLimit(.minutes(1)), arguments: bombs.map(\.0)
  )
  func refused(bomb: String) throws {
    let text = try #require(Self.bombs.first { $0.0 == bomb }?.1)
    let problem = try #require(throws: YAMLProblem.self) { try YAMLText.read(text) }
    #expect(problem.kind == .refused, "\(problem)")
    #expect(problem.line >= 1 && problem.remedy != nil)
  }

  @Test("A long text that means what it says is read", .timeLimit(.minutes(1)))
  func long() throws {
    let anchor = String(repeating: "n", count: 200_000)
    #expect(try YAMLText.read("a: &\(anchor) 1\nb: [*\(anchor), *\(anchor)]\n").count == 1)
    #expect(try YAMLText.read(String(repeating: "---\n", count: 100_000)).count == 100_000)
    let open = String(repeating: "[", count: 150)
    #expect(
      try YAMLText.read(open + String(repeating: "a,", count: 100_000) + String(repeating: "]", count: 150)).count == 1)
    #expect(try YAMLText.read((0..<100_000).map { "k\($0): v\n" }.joined()).count == 1)
    #expect(try YAMLText.read("? \(String(repeating: "k", count: 100_000))\n: v\n").count == 1)
  }

  @Test("A text that is used again is read, up to the limit")
  func copies() throws {
    let text = "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [\(String(repeating: "*a,", count: 16))]\n"
    #expect(try YAMLText.read(text).count == 1)
    #expect(try YAMLText.read("\"\(String(repeating: "\\L", count: 1 << 20))\"").count == 1)
  }

  @Test("An alias of what has not ended, or of nothing")
  func alias() {
    for text in ["a: &a [*a]\n", "a: *b\n", "a: &a 1\n---\nb: *a\n"] {
      #expect(throws: YAMLProblem.self) { try YAMLText.read(text) }
    }
  }
}
