import Testing

@testable import Skaffold

struct GlobTests {
  @Test("Files below a directory, sorted")
  func files() throws {
    let project = try Project([
      "k/b.yaml": "", "k/a.yaml": "", "k/x.txt": "", "k/deep/c.yaml": "", "k/deep/er/d.yaml": "",
    ])
    func found(_ pattern: String) -> [String] {
      Skaffold.Glob.files(project.path + "/" + pattern).map { String($0.dropFirst(project.path.count + 1)) }
    }
    #expect(found("k/*.yaml") == ["k/a.yaml", "k/b.yaml"])
    #expect(found("*/deep/*.yaml") == ["k/deep/c.yaml"])
    #expect(found("k/**/*.yaml") == ["k/a.yaml", "k/b.yaml", "k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(found("k/d*") == ["k/deep/c.yaml", "k/deep/er/d.yaml"])
    #expect(found("gone/*") == [])
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

  @Test(
    "The way between two places",
    arguments: [("/a/b/c", "/a/x", "../b/c"), ("/a", "/a", "."), ("/b", "/", "b"), ("/", "/a/b", "../..")])
  func relative(path: String, directory: String, expected: String) {
    #expect(Paths.relative(path, from: directory) == expected)
  }
}
