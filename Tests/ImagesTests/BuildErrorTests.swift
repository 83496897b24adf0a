import FoundationEssentials
import Manifests
import Skaffold
import Testing

@testable import Images

/// The failures of a build, and their messages.
@Suite struct BuildErrorTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  func failure(_ artifacts: [Artifact], kind: BuilderKind = .buildah, _ builder: ImageBuilder? = nil) async
    -> BuildError?
  {
    let builder = builder ?? shop.builder(kind)
    return await buildError { () throws(BuildError) in _ = try await builder.build(artifacts, tags: [:]) { _, _ in } }
  }

  @Test func noBuilder() async throws {
    let none = await buildError { () throws(BuildError) in
      _ = try await BuilderKind.choose(nil, environment: shop.environment)
    }
    #expect(none?.reason == .builderMissing)
    #expect(none?.message.contains(shop.directory) == true)
    let wanted = await buildError { () throws(BuildError) in
      _ = try await BuilderKind.choose(.podman, environment: shop.environment)
    }
    #expect(wanted?.reason == .builderMissing && wanted?.message.contains("podman") == true)
  }

  @Test func dockersDaemonIsDown() async throws {
    try shop.program(
      "docker",
      """
      echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; \
      exit 1
      """
    )
    let error = await buildError { () throws(BuildError) in
      _ = try await BuilderKind.choose(nil, environment: shop.environment)
    }
    #expect(error?.reason == .daemonDown && error?.remedy?.contains("start it") == true)
    try shop.program("podman")
    #expect(try await BuilderKind.choose(nil, environment: shop.environment) == .podman)
    let asked = await buildError { () throws(BuildError) in
      _ = try await BuilderKind.choose(.docker, environment: shop.environment)
    }
    #expect(asked?.reason == .daemonDown)
    #expect(await failure([try shop.artifact("web")], kind: .docker)?.reason == .daemonDown)
    try shop.program("docker", "echo 28.1.1")
    #expect(try await BuilderKind.choose(nil, environment: shop.environment) == .docker)
  }

  @Test func aMissingContextOrDockerfileIsToldBeforeAnythingRuns() async throws {
    try shop.fakeBuilder()
    var artifact = try shop.artifact("web")
    artifact.position = SourcePosition(file: "skaffold.yaml", line: 7)
    artifact.build = .docker(DockerBuild(dockerfile: artifact.context + "/Missing"))
    #expect(
      "\(try #require(await failure([artifact])))".hasPrefix(
        "skaffold.yaml:7: web: the Dockerfile \(artifact.context)/Missing does not exist"))
    artifact.context += "/nowhere"
    #expect(await failure([artifact])?.reason == .contextMissing)
    artifact.context = shop.directory + "/web/id"
    #expect(await failure([artifact])?.reason == .contextMissing)
    #expect(shop.lines("buildah.log").isEmpty)
  }

  @Test func namesTwiceMissingRequirementsAndCircles() async throws {
    let web = try shop.artifact("web")
    let twice = await failure([web, web])
    #expect(twice?.reason == .badInput && twice?.artifact == "web")
    let unmet = await failure([try shop.artifact("app", requires: [.init(image: "no", alias: "no")])])
    #expect(unmet?.reason == .badInput && unmet?.artifact == "app")
    let circle = try [("a", "b"), ("b", "a")].map { try shop.artifact($0, requires: [.init(image: $1, alias: $1)]) }
    let round = await failure(circle + [web])
    #expect(round?.reason == .badInput && round?.artifact == "a")
  }

  @Test func aFullDiskIsNamed() async throws {
    try shop.fakeBuilder(before: "echo \"Error: write $SHOP/store/layer: no space left on device\" >&2; exit 125")
    let error = await failure([try shop.artifact("web")])
    #expect(error?.reason == .diskFull)
    #expect(
      error?.message.contains("the file system /") == true && error?.message.hasSuffix("MiB left) is full") == true)
    #expect(error?.remedy?.contains("prune") == true)
  }

  @Test func aLongErrorEndsWithItsCause() throws {
    let words = "Error: " + String(repeating: "request ", count: 100) + "the cause"
    let error = BuildFailure(tool: "x", status: 1, output: [words], places: []).error(
      .commandFailed, "the build failed")
    #expect(error.message.hasSuffix("request the cause") && error.message.count < 400 && error.output == [words])
  }

  @Test(arguments: [
    [#"Error: building at STEP "RUN make all   install": while running runtime: exit status 2"#],
    [" > [stage-0 2/3] RUN make all install:", "ERROR: failed to build: exit code: 2"],
    ["The command 'RUN make all install' returned a non-zero code: 2"],
  ]) func theStepThatFailed(_ output: [String]) async throws {
    try shop.write("FROM scratch\n# why\nCOPY id /\nRUN make all \\\n  # a remark\n    install\n", to: "Dockerfile")
    let failure = BuildFailure(
      tool: "x", status: 1, output: output, places: [], dockerfile: shop.directory + "/Dockerfile")
    let error = failure.error(.commandFailed, "the build failed")
    #expect(error.reason == .stepFailed)
    #expect(error.position == SourcePosition(file: shop.directory + "/Dockerfile", line: 4))
  }

  @Test func theStepEndsWhereTheErrorBegins() {
    let output = [
      #"""
      Error: building at STEP "COPY www /www": checking on sources under "/src": copier: stat: "/www": no such file \#
      or directory
      """#
    ]
    let error = BuildFailure(tool: "x", status: 1, output: output, places: []).error(.commandFailed, "the build failed")
    #expect(error.message.hasPrefix("the step `COPY www /www` failed: "))
  }

  @Test(
    "A base image that cannot be pulled is named, and the remedy is about its registry",
    arguments: [
      (
        #"Error: creating build container: initializing source docker://far.example:5000/base:1: pinging container "#
          + #"registry far.example:5000: Get "https://far.example:5000/v2/": dial tcp: lookup far.example: no "#
          + "such host",
        "far.example:5000/base:1", "check the network"
      ),
      (
        "ERROR: failed to solve: far.example/base:1: failed to resolve source metadata for far.example/base:1: failed "
          + "to do request: dial tcp 192.0.2.1:443: i/o timeout", "far.example/base:1", "check the network"
      ),
      (
        "Error: creating build container: initializing source docker://far.example/base:1: reading manifest 1 in "
          + "far.example/base: manifest unknown", "far.example/base:1", "correct the image's name"
      ),
      (
        "Error: creating build container: initializing source docker://far.example/base:1: reading manifest 1 in "
          + "far.example/base: unauthorized: authentication required", "far.example/base:1", "log in"
      ),
    ])
  func baseImages(line: String, image: String, remedy: String) throws {
    let file = FileManager.default.temporaryDirectory.path + "/Dockerfile-\(UUID().uuidString)"
    try "# base\nARG A\nFROM \(image) AS base\nRUN true\n".write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    let failure = BuildFailure(tool: "buildah", status: 125, output: [line], places: [], dockerfile: file)
    let error = failure.error(.commandFailed, "the build failed")
    #expect(error.message.hasPrefix("the base image \(image) cannot be pulled: "))
    #expect(error.remedy?.hasPrefix(remedy) == true && error.remedy?.contains("--load") == false)
    #expect(error.position?.line == 3)
    // A push that cannot reach its registry is another matter.
    let push = BuildFailure(
      tool: "buildah", status: 125, output: ["pinging container registry localhost:1"], places: [])
    #expect(push.error(.loadFailed, "cannot push").remedy?.contains("--load") == true)
  }

  @Test func aPushThatWasTriedAgainSaysItOnce() async throws {
    let words = "pinging container registry localhost:1: connection refused"
    try shop.program(
      "buildah",
      """
      echo 'level=warning msg="Failed, retrying in 2s ... (1/3). Error: \(words)"'; echo 'Error: \(words)' >&2; \
      exit 125
      """
    )
    let tool = try StoreTool(BuilderStore(.buildah), environment: shop.environment)
    let error = await buildError { () async throws(BuildError) in try await tool.succeed(["push"], "cannot push") }
    #expect(error?.output == ["Error: " + words])
    #expect(error?.remedy?.contains("--load") == true)
  }

  @Test func whatAFullDiskKeptIsRemovedWithTheNextBuild() async throws {
    try shop.program(
      "buildah",
      """
      containers="$SHOP/store/overlay-containers"
      case "$1" in
      info) echo "$SHOP/store overlay"; exit;;
      rm) [ -e "$SHOP/full" ] && exit 125; shift; for name; do rm -r "$containers/$name"; done; exit;;
      build) ;;
      *) exit 0;;
      esac
      if [ -e "$SHOP/full" ]; then
        mkdir -p "$containers/c/userdata"; echo "$@" > "$containers/c/userdata/buildah.json"; exit 125
      fi
      while [ $# -gt 0 ]; do [ "$1" = --iidfile ] && printf 'sha256:%064d' 1 > "$2"; shift; done
      """)
    try shop.write("", to: "full")
    let builder = shop.builder()
    let artifact = try shop.artifact("web")
    #expect(await failure([artifact], builder) != nil)
    #expect(shop.names(in: "store/overlay-containers") == ["c"])
    try FileManager.default.removeItem(atPath: shop.directory + "/full")
    #expect(await failure([artifact], builder) == nil)
    #expect(shop.names(in: "store/overlay-containers").isEmpty)
  }

  @Test func anotherStoreHasOtherImages() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    _ = try await shop.builder().build([artifact], tags: [:]) { _, _ in }
    #expect(try await shop.builder().build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    // The same builder, with another place for its images.
    try shop.program(
      "buildah",
      shop.read("bin/buildah").replacing("$SHOP/store", with: "$SHOP/other").split(separator: "\n").dropFirst(3).joined(
        separator: "\n"))
    let environment = shop.environment.merging(["CONTAINERS_STORAGE_CONF": "/other.conf"]) { $1 }
    #expect(try await !shop.builder(environment: environment).build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
  }

  @Test func theFirstFailureEndsTheOthers() async throws {
    try shop.fakeBuilder(before: "case $context in */bad) echo no; exit 1;; esac; exec sleep 1000")
    let error = await failure([try shop.artifact("good"), try shop.artifact("bad")])
    #expect(error?.reason == .commandFailed && error?.artifact == "bad")
  }

  @Test func aDamagedCacheIsAnEmptyOne() async throws {
    try shop.fakeBuilder()
    try shop.write("{\"entries\": {", to: "cache/images.json")
    let artifact = try shop.artifact("web")
    #expect(try await !shop.builder().build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    #expect(try await shop.builder().build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
  }
}
