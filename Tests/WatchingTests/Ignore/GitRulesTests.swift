import Testing

@testable import Watching

/// .gitignore, by gitignore(5).
struct GitRulesTests {
  @Test(
    "Matches the paths that git ignores",
    arguments: [
      ("*.o", ["a.o", "b/c/a.o"], ["a.c"]),
      ("build/", ["build/x", "a/build/x"], ["build"]),
      ("/build", ["build"], ["a/build"]),
      ("doc/frotz", ["doc/frotz"], ["a/doc/frotz"]),
      ("foo/*", ["foo/a", "foo/b/c"], ["foo"]),
      ("*.log\n!keep.log", ["a.log"], ["keep.log"]),
      ("out\n!out/keep", ["out/keep"], []),
      ("/*\n!/src", ["a", "b/c"], ["src/x"]),
      ("**/foo", ["foo", "a/b/foo"], ["foob"]),
      ("abc/**", ["abc/x/y"], ["abc"]),
      ("a/**/b", ["a/b", "a/x/y/b"], ["ab"]),
      ("# no\n\\#yes\n\\!bang", ["#yes", "!bang"], ["# no"]),
      ("trail  \nkept\\ ", ["trail", "kept "], ["trail  ", "kept"]),
      ("[!a]x\n[[:digit:]]", ["bx", "7"], ["ax", "77"]),
      ("a**b", ["axxb"], ["a/b"]),
    ] as [(String, [String], [String])])
  func rules(text: String, ignored: [String], kept: [String]) {
    let rules = IgnoreRules(gitignore: text)
    for path in ignored { #expect(rules.ignores(path, isDirectory: false), "\(path)") }
    for path in kept { #expect(!rules.ignores(path, isDirectory: false), "\(path)") }
  }

  @Test("The files of a repository: below, above, and what is excluded for this clone alone")
  func repository() throws {
    let scene = try Scene()
    scene.write(".git/info/exclude", "mine.txt\n")
    scene.write(".gitignore", "*.log\n/services/*/dist\n")
    scene.write("services/user/.gitignore", "local.env\n!important.log\n")
    scene.write("services/user/lib/.gitignore", "*.so\n")
    scene.write("services/user/dist/.gitignore", "!x\n")
    let rules = IgnoreRules.git(in: scene("services/user"))
    for path in ["a.log", "mine.txt", "local.env", "lib/a.so", "dist/x", ".git/HEAD", "lib/deep/a.log"] {
      #expect(rules.ignores(path, isDirectory: false), "\(path)")
    }
    for path in ["important.log", "a.so", "main.go"] { #expect(!rules.ignores(path, isDirectory: false), "\(path)") }
    #expect(rules.ignoresAll(in: "dist") && rules.ignoresAll(in: ".git") && !rules.ignoresAll(in: "lib"))
  }
}
