import Testing

@testable import Skaffold

struct GlobTests {
  @Test(
    "One path component",
    arguments: [
      ("a.yaml", "*.yaml", true), ("a.yml", "*.yaml", false), ("", "*", true), ("abc", "a?c", true), ("ac", "a?c", false), ("b1", "[a-c]1", true),
      ("d1", "[^a-c]1", true),
      ("b1", "[!a-c]1", false), ("*", "\\*", true), ("x", "\\*", false), ("aXbXc", "a*b*c", true), ("a-", "a[x-]", true),
    ])
  func component(name: String, pattern: String, expected: Bool) { #expect(Glob.matches(name, pattern) == expected) }

  @Test("Files below a directory, sorted")
  func files() throws {
    let project = try Project(["k/b.yaml": "", "k/a.yaml": "", "k/x.txt": "", "k/deep/c.yaml": "", "k/deep/er/d.yaml": ""])
    func found(_ pattern: String) -> [String] { Glob.files(project.path + "/" + pattern).map { String($0.dropFirst(project.path.count + 1)) } }
    #expect(found("k/*.yaml") == ["k/a.yaml", "k/b.yaml"])
    #expect(found("*/deep/*.yaml") == ["k/deep/c.yaml"])
    #expect(found("k/**/*.yaml") == ["k/a.yaml", "k/b.yaml", "k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(found("k/d*") == ["k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(found("gone/*") == [])
  }

  @Test(
    "Paths as text", arguments: [("../x", "/a/b", "/a/x"), ("./x/./y", "/a", "/a/x/y"), ("/x/../y", "/a", "/y"), ("../../..", "/a", "/"), (".", "/a", "/a")])
  func absolute(path: String, directory: String, expected: String) { #expect(Paths.absolute(path, in: directory) == expected) }

  @Test("The way between two places", arguments: [("/a/b/c", "/a/x", "../b/c"), ("/a", "/a", "."), ("/b", "/", "b"), ("/", "/a/b", "../..")])
  func relative(path: String, directory: String, expected: String) { #expect(Paths.relative(path, from: directory) == expected) }
}
