import Testing

@testable import Watching

/// The files that a Dockerfile reads from its context.
struct DockerfileSourcesTests {
  private func sources(_ text: String, args: [String: String] = [:], target: String? = nil) throws -> [String] {
    try DockerfileSources(parsing: text, file: "Dockerfile", buildArgs: args, target: target).paths
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let paths: [String]
    init(_ name: String, _ text: String, _ paths: [String]) {
      (testDescription, self.text, self.paths) = (name, text, paths)
    }
  }

  @Test(
    "Instructions",
    arguments: [
      Case("everything", "FROM a\nCOPY . /x", ["."]),
      Case("several", "FROM a\nCOPY go.mod go.sum ./\nADD ./src/ /src", ["go.mod", "go.sum", "src"]),
      Case("absolute, and out of the context", "FROM a\nCOPY /a/../b ../../c /x/", ["b", "c"]),
      Case("wildcards", "FROM a\nCOPY *.go cmd/?ain /x/", ["*.go", "cmd/?ain"]),
      Case("JSON", "FROM a\nCOPY [\"a b\", \"\\u0063\\/d\", \"/x/\"]", ["a b", "c/d"]),
      Case("options", "FROM a\nCOPY --chown=1:1 --link --chmod=755 run.sh /", ["run.sh"]),
      Case("small letters, tabs", "from a\n\tcopy\ta\tb", ["a"]),
      Case(
        "continued lines with comments and gaps", "FROM a\nCOPY a \\\n  # c\n\n  b \\  \n  /x/\nCOPY c /",
        ["a", "b", "c"]),
      Case("escape directive", "# escape=`\nFROM a\nCOPY a `\n b /x/", ["a", "b"]),
      Case("no directive behind a comment", "# hello\n# escape=`\nFROM a\nCOPY a \\\n b /x/", ["a", "b"]),
      Case("remote", "FROM a\nADD https://example.com/x.tgz git@example.com:a/b.git local.tgz /x/", ["local.tgz"]),
      Case(
        "heredocs", "FROM a\nCOPY <<EOF <<-\"END\" real /x/\nCOPY no /\nEOF\nCOPY never /\n\tEND\nCOPY yes /",
        ["real", "yes"]),
      Case("heredoc of RUN", "FROM a\nRUN cat <<EOF > /x && echo 1\nCOPY no /\nEOF\nCOPY yes /", ["yes"]),
      Case("shift is no heredoc", "FROM a\nRUN echo $((1 << 2)) <<<x\nCOPY yes /", ["yes"]),
      Case("ONBUILD", "FROM a\nONBUILD COPY . /x\nCOPY b /", ["b"]),
      Case(
        "ONBUILD of a stage", "FROM a AS one\nONBUILD COPY src/ /x\nCOPY b /\nFROM one\nCOPY c /", ["b", "c", "src"]),
      Case(
        "ONBUILD once", "FROM a AS one\nONBUILD COPY src /x\nFROM one AS two\nCOPY b /\nFROM two\nCOPY c /",
        ["b", "c", "src"]),
      Case(
        "ONBUILD with a here-document", "FROM a AS one\nonbuild RUN <<EOF\nCOPY x /\nEOF\nFROM one\nCOPY c /", ["c"]),
      Case("ONBUILD with a variable", "FROM a AS one\nARG D=d\nONBUILD COPY ${D} /x\nFROM one", ["d"]),
      Case(
        "bind mounts",
        """
        FROM a\nRUN --mount=type=bind,source=go.sum,target=go.sum --mount=target=/s,src=lib \
        --mount=type=cache,target=/c go build
        """,
        ["go.sum", "lib"]),
      Case("a whole bind mount", "FROM a\nRUN --mount=type=bind,target=. make", ["."]),
      Case("comment at the end of all", "FROM a\nCOPY a / \\\n# end", ["a"]),
      Case("CRLF", "FROM a\r\nCOPY a \\\r\n b /x/\r\n", ["a", "b"]),
      Case("no sources", "FROM a\nRUN true", []),
    ])
  func instructions(_ test: Case) throws { #expect(try sources(test.text) == test.paths) }

  @Test(
    "Variables",
    arguments: [
      Case("ARG", "FROM a\nARG DIR=src\nCOPY $DIR/x /", ["src/x"]),
      Case("braces and quotes", "FROM a\nARG DIR='my'\nCOPY \"${DIR}\"_x /", ["my_x"]),
      Case("ENV hides ARG", "FROM a\nARG D=a\nENV D=b\nCOPY $D /", ["b"]),
      Case("old ENV", "FROM a\nENV D one\nCOPY $D /", ["one"]),
      Case("ENV sees what was before it", "FROM a\nENV A=1\nENV A=2 B=$A\nCOPY $B /", ["1"]),
      Case("a global ARG is declared again", "ARG D=g\nFROM a\nARG D\nCOPY $D /", ["g"]),
      Case("inherited from a stage", "FROM a AS one\nARG D=x\nENV E=y\nFROM one\nCOPY $D $E /", ["x", "y"]),
      Case("defaults", "FROM a\nARG D\nCOPY ${D:-src} ${D:+no}z /", ["src", "z"]),
      Case("escaped", "FROM a\nARG D=x\nCOPY \\$D /", ["$D"]),
      Case("the base image's: anything", "FROM a\nCOPY $HOME /", ["."]),
      Case("an operation on text: anything", "FROM a\nARG D=x.y\nCOPY ${D%.y} /", ["."]),
      Case("given", "FROM a\nARG GIVEN=default\nCOPY $GIVEN /", ["mine"]),
      Case("not declared, not given", "FROM a\nARG OTHER=$GIVEN\nCOPY $OTHER /", ["."]),
    ])
  func variables(_ test: Case) throws { #expect(try sources(test.text, args: ["GIVEN": "mine"]) == test.paths) }

  private let staged = """
    ARG VERSION=3
    FROM registry.example/base:$VERSION AS base
    COPY base.txt /
    FROM base AS tests
    COPY tests /
    FROM scratch AS assets
    COPY web /
    FROM base AS Build
    COPY src /
    FROM registry.example/run
    COPY --from=build /x /x
    COPY --from=2 /web /web
    COPY --from=registry.example/tool /t /t
    RUN --mount=from=unknown,target=/u true
    """

  @Test("Only stages that the target needs")
  func stages() throws {
    #expect(try sources(staged) == ["base.txt", "src", "web"])
    #expect(try sources(staged, target: "tests") == ["base.txt", "tests"])
    #expect(try sources(staged, target: "BASE") == ["base.txt"])
    #expect(try sources(staged, target: "2") == ["web"])
    let images = try DockerfileSources(parsing: staged, file: "Dockerfile", buildArgs: ["VERSION": "4"]).images
    #expect(images == ["registry.example/base:4", "registry.example/run", "registry.example/tool", "unknown"])
  }

  @Test("A target that is not there")
  func unknownTarget() {
    let error = #expect(throws: WatchError.self) { try sources(staged, target: "prod") }
    #expect(error?.code == .unknownTarget)
    #expect(error?.remedy.contains("assets") == true)
  }

  @Test(
    "Names the line of a text that is not a Dockerfile",
    arguments: [
      ("", nil), ("# only\nRUN x", 2), ("FROM a\n\nCOPPY a b", 3), ("FROM a\nCOPY a", 2), ("FROM a b", 1),
      ("FROM a\nRUN <<EOF\nx", 2),
      ("# escape=x\nFROM a", 1),
    ] as [(String, Int?)])
  func malformed(text: String, line: Int?) {
    let error = #expect(throws: WatchError.self) { try sources(text) }
    #expect(error?.code == .syntax)
    #expect(error?.line == line)
  }

  @Test(
    "Defaults within defaults, and values that grow from line to line, end as what is not known",
    .timeLimit(.minutes(1)))
  func bombs() throws {
    let nested = String(repeating: "${a:-", count: 20_000) + "x" + String(repeating: "}", count: 20_000)
    #expect(
      try DockerfileSources(parsing: "FROM scratch\nARG a\nCOPY \(nested) /\n", file: "Dockerfile").paths == ["."])
    #expect(
      try DockerfileSources(parsing: "FROM scratch\nARG a\nCOPY ${a:-${a:-${a:-x}}} /\n", file: "Dockerfile").paths == [
        "x"
      ])
    var text = "FROM scratch\nENV v0=aaaaaaaaaa\n"
    for level in 1...30 { text += "ENV v\(level)=" + String(repeating: "$v\(level - 1)", count: 10) + "\n" }
    #expect(try DockerfileSources(parsing: text + "COPY $v30 /\n", file: "Dockerfile").paths == ["."])
  }

  @Test("A file whose lines make far more than they are counts as the whole context", .timeLimit(.minutes(1)))
  func growth() throws {
    let long = String(repeating: "a", count: 60_000)
    // A value for each line.
    var text = "FROM scratch\nENV a=\(long)\n"
    for number in 0..<2000 { text += "ENV b\(number)=x$a\n" }
    #expect(try sources(text + "ENV c=dir\nCOPY $c /\n") == ["."])
    // A source for each line.
    text = "FROM scratch\nENV a=\(long.prefix(5000))\n"
    for number in 0..<100 { text += "COPY x\(number)$a /\n" }
    #expect(try sources(text) == ["."])
    text = "FROM scratch\n" + (0..<10_001).map { "COPY x\($0) /\n" }.joined()
    #expect(try sources(text) == ["."])
    // A copy of all variables for each stage.
    text = "FROM scratch AS s0\nENV " + (0..<20_000).map { "v\($0)=x" }.joined(separator: " ") + "\n"
    for number in 1...400 { text += "FROM s\(number - 1) AS s\(number)\nENV w=y\n" }
    #expect(try sources(text + "COPY $v1 /\n") == ["."])
  }

  @Test("A combining mark hides no slash")
  func bytes() throws { #expect(try sources("FROM a\nCOPY a/\u{301}b/../c /\n") == ["a/c"]) }
}
