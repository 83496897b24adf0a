import FoundationEssentials
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

  @Test(
    "Directories count, each once, and not the parts of the pattern that lead there",
    arguments: [
      "/**/*.yaml", "/**/**/*.yaml", "/**", "/**/a/**/*.yaml", "/**/*/**/*/**/*.yaml", "/*/**/d/x.yaml", "/**/b/**",
      "/*",
      "/**/d*",
    ])
  func limitOfDirectories(pattern: String) throws {
    let project = try Project(["a/b/c/d/x.yaml": ""])
    let found = [project.path + "/a/b/c/d/x.yaml"]
    // The project's directory and four below it.
    #expect(try Skaffold.Glob.files(project.path + pattern, limit: 5) == found)
    #expect(throws: Skaffold.Glob.TooMany(limit: 4)) { try Skaffold.Glob.files(project.path + pattern, limit: 4) }
  }

  @Test("A path without wildcards costs no look at a directory")
  func plain() throws {
    let project = try Project(["a/b/x.yaml": "", "a/y.yaml": ""])
    #expect(try Skaffold.Glob.files(project.path + "/a/b/x.yaml", limit: 0) == [project.path + "/a/b/x.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/a/b/gone.yaml", limit: 0) == [])
    #expect(
      try Skaffold.Glob.files(project.path + "/a", limit: 2) == [
        project.path + "/a/b/x.yaml", project.path + "/a/y.yaml",
      ])
  }

  @Test("Two names that only look the same are two files")
  func encodings() throws {
    let project = try Project(["k/caf\u{e9}.yaml": "", "k/caf\u{e9}/x.yaml": ""])
    // The two are one key of a dictionary.
    try project.write("k/cafe\u{301}.yaml", "")
    for pattern in ["/k/*.yaml", "/**/*.yaml", "/k"] {
      let found = try Skaffold.Glob.files(project.path + pattern)
      #expect(Set(found.map { Array($0.utf8) }).count == (pattern == "/k/*.yaml" ? 2 : 3), "\(pattern)")
    }
    #expect(try Skaffold.Glob.files(project.path + "/**/cafe\u{301}/*.yaml") == [])
    #expect(try Skaffold.Glob.files(project.path + "/**/caf\u{e9}/*.yaml").count == 1)
  }

  @Test("A link that a pattern names is followed, and one below ** is not")
  func links() throws {
    let project = try Project(["k/x.yaml": "", "deep/link.txt": ""])
    let files = FileManager.default
    try files.createSymbolicLink(atPath: project.path + "/deep/other", withDestinationPath: "../k")
    try files.createSymbolicLink(atPath: project.path + "/deep/gone.yaml", withDestinationPath: "nowhere")
    #expect(try Skaffold.Glob.files(project.path + "/deep/*/x.yaml") == [project.path + "/deep/other/x.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/deep/oth*") == [project.path + "/deep/other/x.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/**/x.yaml") == [project.path + "/k/x.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/**/other/x.yaml") == [project.path + "/deep/other/x.yaml"])
    // A link that leads nowhere is an error when it is read, and not silently left out.
    #expect(try Skaffold.Glob.files(project.path + "/deep/*.yaml") == [project.path + "/deep/gone.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/deep/gone.yaml") == [])
    let outside = try Project(["x.yaml": ""])
    try files.createSymbolicLink(atPath: project.path + "/deep/out", withDestinationPath: outside.path)
    #expect(try Skaffold.Glob.files(project.path + "/deep/out/*.yaml", in: project.path) == [])
    #expect(try Skaffold.Glob.files(project.path + "/deep/*/*.yaml", in: project.path).count == 1)
    #expect(try Skaffold.Glob.files(project.path + "/deep/*/**/*.yaml", in: project.path).count == 1)
    #expect(try Skaffold.Glob.files(project.path + "/deep/*/*.yaml").count == 2)
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
