import FoundationEssentials
import Testing

@testable import Watching

/// The places in the image that a Dockerfile copies files of the context to.
@Suite struct DockerfileCopyTests {
  private func places(_ path: String, _ text: String, args: [String: String] = [:], target: String? = nil) throws
    -> [String]?
  {
    let directory = FileManager.default.temporaryDirectory.path + "/copies-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try text.write(toFile: directory + "/Dockerfile", atomically: true, encoding: .utf8)
    return try BuildContext(directory: directory, buildArgs: args, target: target).destinations(of: path)
  }

  @Test(
    "Files and directories",
    arguments: [
      // path, instructions behind FROM, places
      ("src/a.js", "COPY . /app", ["/app/src/a.js"]), ("src/a.js", "COPY . .", ["src/a.js"]),
      ("src/a.js", "COPY src /app", ["/app/a.js"]), ("src/b/a.js", "COPY src/ /app/", ["/app/b/a.js"]),
      ("src/a.js", "COPY src/a.js /app/b.js", ["/app/b.js"]), ("src/a.js", "COPY src/a.js /app/", ["/app/a.js"]),
      ("src/a.js", "COPY src/a.js src/b.js /app", ["/app/a.js"]), ("a.js", "COPY a.js .", ["a.js"]),
      ("a.js", "COPY a.js /", ["/a.js"]), ("a.js", "COPY . /", ["/a.js"]),
      ("src/a.js", "COPY src/*.js /app/", ["/app/a.js"]), ("lib/x/a.js", "COPY l* /app/", ["/app/x/a.js"]),
      ("other", "COPY src /app", []), ("srcs/a.js", "COPY src /app", []),
      ("a b/c", "COPY [\"a b\", \"/x y/\"]", ["/x y/c"]),
      ("src/a.js", "COPY src /one\nCOPY . /two", ["/one/a.js", "/two/src/a.js"]),
      ("src/a.js", "COPY --parents src/a.js /app/", ["/app/src/a.js"]),
      ("src/a.js", "COPY --chown=1:1 src /app", ["/app/a.js"]),
      ("src/a.js", "COPY <<EOF src /app/\ntext\nEOF", ["/app/a.js"]),
      ("src/a.js", "COPY --from=other src /app", []),
    ] as [(String, String, [String])])
  func files(path: String, instructions: String, expected: [String]) throws {
    #expect(try places(path, "FROM base\n" + instructions + "\n") == expected)
  }

  @Test(
    "The working directory",
    arguments: [
      ("WORKDIR /app\nCOPY . .", ["/app/src/a.js"]), ("WORKDIR /app\nWORKDIR web\nCOPY src ./", ["/app/web/a.js"]),
      ("ENV D=/d\nWORKDIR $D/e\nCOPY src .", ["/d/e/a.js"]), ("ARG D=/d\nWORKDIR ${D}\nCOPY src x/../y", ["/d/y/a.js"]),
      ("WORKDIR /app\nCOPY src/a.js /app", ["/app/a.js"]), ("COPY src ../x", nil),
      // A later WORKDIR moves the place that a relative path is seen from.
      ("COPY src web\nWORKDIR /app", nil), ("WORKDIR web\nCOPY src .", nil),
      ("WORKDIR $UNKNOWN\nCOPY src .", nil), ("WORKDIR $UNKNOWN\nCOPY src /x", ["/x/a.js"]),
    ] as [(String, [String]?)])
  func workingDirectory(instructions: String, expected: [String]?) throws {
    #expect(try places("src/a.js", "FROM base\n" + instructions + "\n") == expected)
  }

  @Test(
    "Nothing is known of archives, of what is left out, and of variables of the base image",
    arguments: [
      ("site.tar.gz", "ADD site.tar.gz /srv/"), ("a.js", "COPY --exclude=*.js . /app"), ("a.js", "COPY $NAME /app/"),
      ("a.js", "COPY . $PLACE"), ("a.js", "COPY *.js /app"),
    ])
  func unknown(path: String, instructions: String) throws {
    #expect(try places(path, "FROM base\n" + instructions + "\n") == nil)
  }

  @Test("Stages: the target's own, and those that it begins from")
  func stages() throws {
    let text = """
      FROM scratch AS base
      WORKDIR srv
      COPY common .
      FROM node AS builder
      COPY . /build
      FROM base AS final
      COPY web web
      COPY --from=builder /build/dist /dist
      ONBUILD COPY late /late
      FROM final AS debug
      COPY tools /tools

      """
    #expect(try places("common/a", text) == ["/srv/a"] && places("web/a", text) == ["/srv/web/a"])
    #expect(try places("tools/a", text) == ["/tools/a"] && places("late/a", text) == ["/late/a"])
    #expect(try places("tools/a", text, target: "final") == [] && places("late/a", text, target: "final") == [])
    #expect(try places("other", text) == [], "the builder's files reach the image only through its RUN")
    #expect(try places("web/a", text, target: "builder") == ["/build/web/a"])
  }

  @Test("Build arguments")
  func arguments() throws {
    let text = "FROM base\nARG WHAT=src\nARG WHERE\nCOPY ${WHAT} ${WHERE}\n"
    #expect(try places("src/a", text, args: ["WHERE": "/x/"]) == ["/x/a"])
    #expect(try places("lib/a", text, args: ["WHERE": "/x/", "WHAT": "lib"]) == ["/x/a"])
  }
}
