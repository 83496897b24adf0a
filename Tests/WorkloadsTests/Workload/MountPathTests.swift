import Testing

@testable import Workloads

struct MountPathTests {
  @Test(
    "As the kubelet reads it",
    arguments: [
      ("/a/b", "/a/b"), ("a/b", "/a/b"), ("//a//b/", "/a/b"), ("/..data/...", "/..data/..."), ("/a b/é", "/a b/é"),
    ])
  func plain(text: String, path: String) throws { #expect(try MountPath(text).text == path) }

  /// A combining mark behind a slash makes one Character of both.
  @Test(
    "Refuses unsafe paths",
    arguments: [
      ("", MountPath.Problem.isRoot), ("/", .isRoot), ("///", .isRoot), ("/..", .hasDots), ("/../a", .hasDots),
      ("/a/../b", .hasDots), ("/a/.", .hasDots),
      (".", .hasDots), ("/a/..\u{2F}\u{301}", .hasDots), ("/\u{301}a/../../b", .hasDots), ("/a\0", .hasNUL),
      ("/" + String(repeating: "n", count: 256), .isLong), (String(repeating: "/n", count: 128), .isLong),
    ])
  func refused(text: String, problem: MountPath.Problem) { #expect(throws: problem) { try MountPath(text) } }

  @Test("Within is by parts, not by letters")
  func within() throws {
    let path = try MountPath("/data/x")
    #expect(path.isWithin(try MountPath("/data")) && path.isWithin(path))
    for other in ["/dat", "/data/x/y", "/data/xy", "/x"] { #expect(!path.isWithin(try MountPath(other)), "\(other)") }
  }

  @Test("Two spellings of one letter are two paths")
  func spellings() throws {
    let (composed, decomposed) = (try MountPath("/data/\u{e9}"), try MountPath("/data/e\u{301}"))
    #expect(composed.text == decomposed.text && composed != decomposed)
    #expect(Set([composed, decomposed]).count == 2)
    #expect(try !MountPath("/data/e\u{301}/x").isWithin(composed) && MountPath("/data/\u{e9}/x").isWithin(composed))
  }
}
