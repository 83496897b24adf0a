import Testing

@testable import Skaffold

struct GlobTests {
  @Test("Files below a directory, sorted")
  func files() throws {
    let project = try Project([
      "k/b.yaml": "", "k/a.yaml": "", "k/x.txt": "", "k/deep/c.yaml": "", "k/deep/er/d.yaml": "",
    ])
    func found(_ pattern: String) throws -> [String] {
      try Skaffold.Glob.files(project.path + "/" + pattern).map { String($0.dropFirst(project.path.count + 1)) }
    }
    #expect(try found("k/*.yaml") == ["k/a.yaml", "k/b.yaml"])
    #expect(try found("*/deep/*.yaml") == ["k/deep/c.yaml"])
    #expect(try found("k/**/*.yaml") == ["k/a.yaml", "k/b.yaml", "k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(try found("k/d*") == ["k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(try found("gone/*") == [])
  }

  @Test(
    "Paths as text",
    arguments: [
      ("../x", "/a/b", "/a/x"), ("./x/./y", "/a", "/a/x/y"), ("/x/../y", "/a", "/y"), ("../../..", "/a", "/"),
      (".", "/a", "/a"),
    ])
  func absolute(path: String, directory: String, expected: String) {
    #expect(Paths.absolute(path, in: directory) == expected)
  }

  @Test("A search that leads through too many directories ends with an error")
  func limit() throws {
    let project = try Project(["a/b/c/d/x.yaml": ""])
    #expect(throws: Skaffold.Glob.TooMany(limit: 3)) {
      try Skaffold.Glob.files(project.path + "/**/*.yaml", limit: 3)
    }
    #expect(try Skaffold.Glob.files(project.path + "/**/*.yaml", limit: 100).count == 1)
  }

  @Test("Paths are bytes: a combining mark hides no slash, and makes no two names one")
  func bytes() {
    #expect(Paths.absolute("a/\u{301}b/../../x", in: "/r") == "/r/x")
    #expect(Paths.absolute("/\u{301}x", in: "/r") == "/\u{301}x")
    #expect(Paths.directory(of: "/a/\u{301}b") == "/a" && Paths.name(of: "/a/\u{301}b") == "\u{301}b")
    #expect(Paths.relative("/r/caf\u{e9}/x", from: "/r/cafe\u{301}").utf8.elementsEqual("../caf\u{e9}/x".utf8))
    #expect(!Paths.isBelow("/r/cafe\u{301}/x", "/r/caf\u{e9}") && !Paths.isOf("/r/caf\u{e9}", "/r/cafe\u{301}/x"))
    #expect(!Paths.isOf("/r", "/r/.git/\u{301}x") && Paths.isOf("/r", "/r/a/\u{301}x"))
    #expect(Paths.mayBeFetched("https://\u{301}x") && Paths.mayBeFetched("a@\u{301}b:c"))
    #expect(Paths.hidesSlash("a/\u{301}b") && !Paths.hidesSlash("a/b\u{301}"))
  }

  @Test(
    "The way between two places",
    arguments: [("/a/b/c", "/a/x", "../b/c"), ("/a", "/a", "."), ("/b", "/", "b"), ("/", "/a/b", "../..")])
  func relative(path: String, directory: String, expected: String) {
    #expect(Paths.relative(path, from: directory) == expected)
  }
}
