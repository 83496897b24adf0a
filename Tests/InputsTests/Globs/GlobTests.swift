import Inputs
import Testing

struct GlobTests {
  @Test(
    "Each dialect's own meaning of stars, sets and backslashes",
    arguments: [
      ("*.yaml", "a.yaml", .component, true), ("*.yaml", "a.yml", .component, false), ("*", "", .component, true),
      ("a?c", "abc", .component, true),
      ("a?c", "ac", .component, false), ("[a-c]1", "b1", .component, true), ("[^a-c]1", "d1", .component, true),
      ("[!a-c]1", "b1", .component, false),
      ("\\*", "*", .component, true), ("\\*", "x", .component, false), ("a*b*c", "aXbXc", .component, true),
      ("a[x-]", "a-", .component, true),
      ("[!a]", "b", .component, true), ("[]a]", "]", .component, true),
      ("a\\", "a\\", .component, true), ("a**c", "abc", .component, true),
      ("**/*.js", "a.js", .doublestar, true), ("**/*.js", "d/e/a.js", .doublestar, true),
      ("src/**", "src/a/b", .doublestar, true),
      ("src/**", "src", .doublestar, false), ("**.js", "a/b.js", .doublestar, true),
      ("*.js", "d/a.js", .doublestar, false),
      ("a?.txt", "ab.txt", .doublestar, true),
      ("{a,b}/*.c", "b/x.c", .doublestar, true), ("{a,b}/*.c", "c/x.c", .doublestar, false),
      ("[^a]x", "ax", .doublestar, false),
      ("*", "a/b", .doublestar, false),
      ("{a,b{c,d}}/x", "bd/x", .doublestar, true), ("{a,b{c,d}}/x", "b/x", .doublestar, false),
      ("{a", "{a", .doublestar, true),
      ("{*.c,**/h}", "d/e/h", .doublestar, true), ("x{,y}z", "xz", .doublestar, true),
      ("[a-c]/", "b/", .doublestar, true), ("[!a]", "/", .doublestar, false),
      ("**/x", "a/b/x", .git, true), ("a**b", "a/b", .git, false), ("a/**/b", "a/b", .git, true),
      ("[[:digit:]]", "7", .git, true), ("[!a]", "a", .git, false),
      ("**foo", "a/barfoo", .docker, true), ("a?c", "aéc", .docker, true), ("[^a]", "/", .docker, true),
      ("é*", "éa", .docker, true),
    ] as [(String, String, Glob.Dialect, Bool)])
  func dialects(pattern: String, path: String, dialect: Glob.Dialect, expected: Bool) throws {
    #expect(try #require(Glob(pattern, dialect)).matches(path) == expected)
  }

  @Test(
    "Malformed patterns are none",
    arguments: [("[a", .component), ("[a", .doublestar), ("[a", .git), ("a\\", .docker)] as [(String, Glob.Dialect)])
  func malformed(pattern: String, dialect: Glob.Dialect) { #expect(Glob(pattern, dialect) == nil) }

  @Test(
    "Knows if anything below a directory may match",
    arguments: [
      ("a/*/c", "a", true), ("a/*/c", "a/b", true), ("a/*/c", "a/b/c", false), ("a/*/c", "b", false),
      ("**/c", "x/y", true), ("a/**", "a/b/c", true),
      ("a", "a", false),
    ])
  func below(pattern: String, directory: String, expected: Bool) throws {
    let glob = try #require(Glob(pattern, .docker))
    #expect(directory.withBytes { glob.mayMatch(below: $0) } == expected)
  }

  @Test(
    "Matches a path, or a directory that it is in",
    arguments: [
      ("a", "a", true), ("a", "a/b", true), ("a", "ab/c", false), ("*/b", "a/b/c/d", true), ("*/b", "a/c/b", false),
      ("a*c", "abc/x", true), ("a*c", "ab/c", false), ("**/c", "a/b/c/d", true), ("a/b", "a", false),
    ])
  func parents(pattern: String, path: String, expected: Bool) throws {
    let glob = try #require(Glob(pattern, .docker))
    #expect(path.withBytes { glob.matchesPathOrParent($0) } == expected)
  }

  @Test("A pattern in any directory, and below one")
  func moved() throws {
    let glob = try #require(Glob("*.o", .git))
    #expect(glob.anywhere.matches("a/b/x.o") && glob.anywhere.matches("x.o") && !glob.matches("a/x.o"))
    #expect(glob.below("a/b").matches("a/b/x.o") && !glob.below("a/b").matches("x.o"))
    #expect(Glob(literal: "a*[b").matches("a*[b"))
  }

  /// Backtracking would try 2 to the power of the stars. Without an end the suite hangs.
  @Test(
    "Patterns that would make a backtracking matcher run for years", .timeLimit(.minutes(1)),
    arguments: [
      (String(repeating: "a*", count: 60) + "b", .component), (String(repeating: "a*", count: 60) + "b", .git),
      (String(repeating: "**/a*", count: 60) + "b", .doublestar), (String(repeating: "**/", count: 60) + "b", .docker),
      (String(repeating: "{a,a*}", count: 40) + "b", .doublestar),
      (String(repeating: "{", count: 500) + String(repeating: "}", count: 500), .doublestar),
      (String(repeating: "*a?", count: 300), .git), (String(repeating: "**", count: 2000) + "b", .doublestar),
    ] as [(String, Glob.Dialect)])
  func bombs(pattern: String, dialect: Glob.Dialect) throws {
    let glob = try #require(Glob(pattern, dialect))
    let path = String(repeating: "a", count: 200) + "/" + String(repeating: "a/a", count: 100) + "c"
    #expect(!glob.matches(path))
    _ = path.withBytes { glob.mayMatch(below: $0) }
  }

  @Test("Longer patterns than any path are none")
  func tooLong() { #expect(Glob(String(repeating: "a", count: 5000), .git) == nil) }
}
