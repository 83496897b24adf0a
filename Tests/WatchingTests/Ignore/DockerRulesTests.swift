import Testing

@testable import Watching

/// .dockerignore, by the rules of Docker's own matcher.
struct DockerRulesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let rules: String
    let ignored: [String]
    let kept: [String]
    var testDescription: String { rules.split(separator: "\n").joined(separator: " | ") }
  }

  @Test(
    "Matches the paths that Docker ignores",
    arguments: [
      Case(
        rules: "node_modules", ignored: ["node_modules", "node_modules/a/b.js"],
        kept: ["a/node_modules", "node_modules2"]),
      Case(
        rules: "**/node_modules", ignored: ["node_modules/x", "a/node_modules/x", "a/b/node_modules"],
        kept: ["a/my_node_modules"]),
      Case(rules: "*.md\n!README.md", ignored: ["NOTES.md"], kept: ["README.md", "docs/NOTES.md"]),
      Case(rules: "!README.md\n*.md", ignored: ["README.md"], kept: []),
      Case(rules: "**/*.go", ignored: ["main.go", "a/b/main.go"], kept: ["main.gox"]),
      Case(rules: "*/temp*", ignored: ["a/temporary.txt", "a/temp/x"], kept: ["temp", "a/b/temp"]),
      Case(rules: "temp?", ignored: ["tempa", "tempé"], kept: ["temp", "temp/x", "tempab"]),
      Case(rules: "/build", ignored: ["build/x"], kept: ["a/build"]),
      Case(rules: "  build/  ", ignored: ["build", "build/x"], kept: ["builder"]),
      Case(rules: "# note\n\n#build", ignored: [], kept: ["#build", "build"]),
      Case(rules: "a/../b/./c", ignored: ["b/c"], kept: ["a"]),
      Case(rules: "dir/**", ignored: ["dir/x", "dir/a/b"], kept: ["dir"]),
      Case(rules: "**", ignored: ["x", "a/b"], kept: []),
      Case(rules: "**\n!src\n!go.mod", ignored: ["x", "lib/src.c"], kept: ["src/a.go", "go.mod"]),
      Case(rules: "a/**/z", ignored: ["a/z", "a/b/c/z"], kept: ["b/z", "a/bz"]),
      Case(rules: "**foo", ignored: ["foo", "a/xfoo"], kept: ["foob"]),
      Case(rules: "[a-c]x", ignored: ["ax", "cx"], kept: ["dx", "x"]),
      Case(rules: "[^a]x", ignored: ["bx"], kept: ["ax"]),
      Case(rules: "\\*x", ignored: ["*x"], kept: ["ax"]),
      Case(rules: "a.b", ignored: ["a.b"], kept: ["axb"]),
      Case(
        rules: "vendor\n!vendor/keep\nvendor/keep/*.tmp", ignored: ["vendor/a", "vendor/keep/a.tmp"],
        kept: ["vendor/keep/a.c"]),
      Case(rules: "\u{FEFF}first", ignored: ["first"], kept: []),
      Case(rules: "one\r\ntwo\r\n", ignored: ["one", "two"], kept: ["three"]),
    ])
  func rules(_ test: Case) throws {
    let rules = try IgnoreRules(dockerignore: test.rules)
    for path in test.ignored { #expect(rules.ignores(path, isDirectory: false), "\(path)") }
    for path in test.kept { #expect(!rules.ignores(path, isDirectory: false), "\(path)") }
  }

  @Test("A directory is left out whole only where no exception reaches into it")
  func wholeDirectories() throws {
    let rules = try IgnoreRules(dockerignore: "node_modules\nvendor\n!vendor/keep/*.c\nall\n!**/*.md")
    #expect(!rules.ignoresAll(in: "node_modules"))
    let plain = try IgnoreRules(dockerignore: "node_modules\nvendor\n!vendor/keep/*.c")
    #expect(plain.ignoresAll(in: "node_modules") && plain.ignoresAll(in: "node_modules/a"))
    #expect(!plain.ignoresAll(in: "vendor") && !plain.ignoresAll(in: "vendor/keep"))
    #expect(plain.ignoresAll(in: "vendor/other") && !plain.ignoresAll(in: "src"))
  }

  @Test("A pattern that is none is named with its line", arguments: [("ok\n[a", 2), ("a\\", 1), ("x\n\n!", 3)])
  func malformed(text: String, line: Int) {
    let error = #expect(throws: WatchError.self) { try IgnoreRules(dockerignore: text, file: ".dockerignore") }
    #expect(error?.line == line)
    #expect(error?.code == .syntax)
  }
}
