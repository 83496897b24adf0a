import Inputs
import Manifests
import Testing

@testable import Skaffold

struct TagPolicyTests {
  private let artifact = Artifact(
    image: "shop", repository: "registry.example/shop", context: "/", build: .custom(CustomBuild(command: "")))

  private func reference(
    _ policy: TagPolicy, _ artifact: Artifact? = nil,
    environment: [String: String] = ["V": "1", "FULL": "other.example/shop:9"]
  )
    async throws -> String
  {
    try await policy.reference(for: artifact ?? self.artifact, environment: environment, digest: { _ in "0123abcd" })
  }

  @Test("Each policy's reference, with the repository the image goes to")
  func references() async throws {
    #expect(try await reference(.sha256) == "registry.example/shop:latest")
    #expect(try await reference(.inputDigest) == "registry.example/shop:0123abcd")
    #expect(try await reference(.envTemplate("v{{.V}}", position: nil)) == "registry.example/shop:v1")
  }

  @Test(
    "An envTemplate that is a whole image name is the reference",
    arguments: [
      ("shop:latest", "registry.example/shop:latest"), ("{{.IMAGE_NAME}}:{{.V}}", "registry.example/shop:1"),
      ("{{.FULL}}", "other.example/shop:9"),
      ("other.example:5000/shop", "other.example:5000/shop:latest"),
      ("{{.IMAGE_NAME}}", "registry.example/shop:latest"),
    ])
  func wholeNames(template: String, expected: String) async throws {
    #expect(try await reference(.envTemplate(template, position: nil)) == expected)
  }

  @Test("A variable that is not set, and a tag that is none, are reported with their place")
  func wrong() async throws {
    let place = SourcePosition(file: "skaffold.yaml", line: 9)
    for template in ["{{.GONE}}", "a b", "-x", ""] {
      let error = try await #require(throws: InputError.self) {
        try await reference(.envTemplate(template, position: place))
      }
      #expect(error.diagnostics.map(\.position) == [place], "\(template)")
    }
    #expect(
      try Project.problems(
        "apiVersion: skaffold/v1\nkind: Config\nbuild:\n  tagPolicy:\n    envTemplate:\n      template: '{{.GONE}}'\n"
      ).map(\.position?.line)
        == [6])
    #expect(
      try Project.problems(
        """
        apiVersion: skaffold/v1
        kind: Config
        build:
          artifacts: [{image: a}, {image: b}]
          tagPolicy: {envTemplate: {template: 'a:1'}}

        """
      ).map(\.message) == ["every artifact would be called a:1"])
    await #expect(throws: InputError.self) { try await reference(.dateTime(format: nil, timezone: "Nowhere/City")) }
  }

  @Test(
    "Accepts the tag policies of a skaffold.yaml",
    arguments: [
      ("gitCommit: {}", .gitCommit(GitCommitTag())), ("gitCommit:", .gitCommit(GitCommitTag())),
      ("sha256: {}", .sha256), ("sha256:", .sha256),
      ("inputDigest: {}", .inputDigest),
      (
        "gitCommit: {variant: treesha, prefix: p-, ignoreChanges: true}",
        .gitCommit(GitCommitTag(variant: .treeSha, prefix: "p-", ignoreChanges: true))
      ),
      ("dateTime: {format: '2006', timezone: UTC}", .dateTime(format: "2006", timezone: "UTC")),
    ] as [(String, TagPolicy)])
  func reading(text: String, policy: TagPolicy) throws {
    #expect(
      try Project.configuration("apiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  tagPolicy:\n    \(text)\n")
        .tagPolicy == policy)
  }

  @Test(
    "git's names for a commit",
    .enabled(if: InstalledProgram.find("git", environment: Here.environment) != nil, "git is not installed"))
  func git() async throws {
    let project = try Project(["app/a": "1"])
    let git = Program(path: try #require(InstalledProgram.find("git", environment: Here.environment)))
    var environment = Here.environment
    environment.merge(
      [
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example",
      ]) { $1 }
    func run(_ arguments: String...) async throws -> String {
      let result = try await git.run(arguments, in: project.path, environment: environment)
      #expect(result.succeeded, "\(result.errors)")
      return result.output.trimmed
    }
    var artifact = artifact
    artifact.context = project.path + "/app"
    func tag(_ variant: GitCommitTag.Variant, prefix: String = "", ignoreChanges: Bool = false) async throws -> String {
      let policy = TagPolicy.gitCommit(GitCommitTag(variant: variant, prefix: prefix, ignoreChanges: ignoreChanges))
      return String(try await reference(policy, artifact, environment: environment).split(separator: ":")[1])
    }
    #expect(try await tag(.tags) == "latest")
    _ = try await run("init", "--quiet", "--initial-branch", "feature/x")
    _ = try await run("add", ".")
    _ = try await run("commit", "--quiet", "--message", "one")
    let commit = try await run("rev-parse", "HEAD")
    #expect(try await tag(.commitSha) == commit)
    #expect(try await commit.hasPrefix(tag(.abbrevCommitSha)))
    #expect(try await commit.hasPrefix(tag(.tags)))
    #expect(try await tag(.treeSha) == run("rev-parse", "HEAD:app"))
    #expect(try await run("rev-parse", "HEAD:app").hasPrefix(tag(.abbrevTreeSha)))
    #expect(try await tag(.branches) == "feature_x")
    _ = try await run("tag", "v1+2")
    #expect(try await tag(.tags, prefix: "p-") == "p-v1_2")
    try project.write("outside", "not in the context")
    #expect(try await tag(.tags) == "v1_2")
    try project.write("app/a", "2")
    #expect(try await tag(.tags) == "v1_2-dirty")
    #expect(try await tag(.tags, ignoreChanges: true) == "v1_2")
  }

  @Test(
    "Go's layouts",
    arguments: [
      (nil, "UTC", "2023-11-14_22-13-20_UTC"), ("2006-01-02_15-04-05", "Asia/Tokyo", "2023-11-15_07-13-20"),
      ("Jan _2 2006 3PM", "UTC", "Nov 14 2023 10PM"),
      ("Monday-January-06-1-2-03-4-5pm", "UTC", "Tuesday-November-23-11-14-10-13-20pm"),
      ("Z07:00 -0700 -07:00 MST 002", "Asia/Tokyo", "+09:00 +0900 +09:00 JST 319"),
      ("05.000", "UTC", "20.000"), ("Z0700", "UTC", "Z"), ("20060102_2006", "UTC", "20231114_2023"),
    ] as [(String?, String, String)])
  func dates(format: String?, timezone: String, expected: String) async throws {
    #expect(
      try await DateTimeTag(format: format, timezone: timezone).tag(
        environment: Here.environment, seconds: 1_700_000_000) == expected)
  }

  @Test(
    "Names that tags cannot have",
    arguments: [
      ("a/b@c", "a_b_c"), (".-x", "__x"), (String(repeating: "a", count: 200), String(repeating: "a", count: 128)),
    ])
  func sanitized(name: String, expected: String) { #expect(GitCommitTag.sanitized(name) == expected) }
}
