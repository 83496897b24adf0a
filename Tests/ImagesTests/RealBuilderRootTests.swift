import FoundationEssentials
import Glibc
import Inputs
import Manifests
import Skaffold
import Testing

@testable import Images

private let canRun =
  geteuid() == 0 && access("/bin/busybox", X_OK) == 0
  && ["buildah", "podman", "runc"].allSatisfy {
    InstalledProgram.find($0, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"]) != nil
  }

/// With the installed buildah and podman, `FROM scratch` and a static busybox, in stores of the tests' own. As root,
/// since nothing else is sure to work.
@Suite(.enabled(if: canRun, "needs root, and buildah, podman (with runc) and a static /bin/busybox installed"))
struct RealBuilderRootTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  func settings(_ kind: BuilderKind) -> BuildSettings {
    var settings = BuildSettings()
    settings.storageArguments = [
      "--root", shop.directory + "/root", "--runroot", shop.directory + "/run", "--storage-driver", "vfs",
    ]
    if kind == .podman { settings.storageArguments += ["--runtime", "runc"] }
    return settings
  }

  func builder(_ kind: BuilderKind) -> ImageBuilder {
    shop.builder(kind, environment: shop.realEnvironment, settings(kind))
  }

  func tool(_ kind: BuilderKind) throws -> StoreTool {
    try StoreTool(BuilderStore(kind, arguments: settings(kind).storageArguments), environment: shop.realEnvironment)
  }

  func artifact(_ steps: String, content: String = "1") throws -> Artifact {
    let artifact = try shop.artifact("web", id: content, dockerfile: "FROM scratch\n" + steps)
    if access(artifact.context + "/busybox", F_OK) != 0 {
      try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: artifact.context + "/busybox")
    }
    return artifact
  }

  /// Not by Foundation, which ends a file of /proc at its first page.
  private static func mounts() throws -> String {
    let file = try #require(fopen("/proc/self/mounts", "r"))
    defer { fclose(file) }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&part, 1, part.count, file), count > 0 { text += part[..<count] }
    return String(decoding: text, as: UTF8.self)
  }

  @Test(arguments: [BuilderKind.buildah, .podman]) func buildsRemembersAndTags(_ kind: BuilderKind) async throws {
    let steps = "COPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"touch\", \"/made\"]\nCOPY id /id\n"
    let first = try await builder(kind).build([try artifact(steps)], tags: ["web": "web:latest"]) { _, _ in }[0]
    #expect(!first.isFromCache)
    #expect(try await tool(kind).id(of: "web:latest") == first.id)
    #expect(
      try await builder(kind).build([try artifact(steps)], tags: ["web": "web:latest"]) { _, _ in }[0].isFromCache)
    let second = try await builder(kind).build([try artifact(steps, content: "2")], tags: ["web": "web:latest"]) {
      _, _ in
    }[0]
    #expect(second.id != first.id)
    let loaded = ImageLoader(product: .shared(kind), builder: builder(kind)).reference(of: second)
    #expect(loaded == "web:devtunnel-" + second.id.dropFirst(7).prefix(12))
    #expect(shop.names(in: "tmp").isEmpty)
  }

  @Test(arguments: [BuilderKind.buildah, .podman]) func aFailedStepIsTheDockerfilesLine(_ kind: BuilderKind)
    async throws
  {
    let artifact = try artifact(
      "COPY busybox /bin/busybox\n\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo so it goes; exit 3\"]\n")
    let builder = builder(kind)
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    }
    #expect(error?.reason == .stepFailed)
    #expect(error?.position == SourcePosition(file: artifact.context + "/Dockerfile", line: 4))
    #expect(error?.output.contains { $0.contains("so it goes") } == true)
  }

  @Test(arguments: [BuilderKind.buildah, .podman]) func aCancelledBuildLeavesNothing(_ kind: BuilderKind) async throws {
    let artifact = try artifact(
      """
      COPY busybox /bin/busybox
      RUN ["/bin/busybox", "sh", "-c", "echo begun; exec /bin/busybox sleep 1000"]

      """
    )
    let builder = builder(kind)
    let (begun, signal) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await builder.build([artifact], tags: [:]) { _, line in if line == "begun" { signal.finish() } }
    }
    for await _ in begun {}
    task.cancel()
    guard case .failure(let error) = await task.result else {
      Issue.record("the build went on to its end")
      return
    }
    #expect((error as? BuildError)?.reason == .cancelled)
    let containers = try await tool(.buildah).child(["containers", "--all", "--quiet"]).read()
    #expect(containers.status == 0 && containers.output.isEmpty)
    #expect(shop.names(in: "tmp").isEmpty)
    let mounts = try Self.mounts()
    #expect(mounts.contains(" / ") && !mounts.contains(settings(kind).storageArguments[1] + "/vfs/"))
    // The store takes the next build.
    #expect(
      try await !self.builder(kind).build([try self.artifact("COPY id /id\n")], tags: [:]) { _, _ in }[0].isFromCache)
  }

  @Test(arguments: [BuilderKind.buildah, .podman]) func oldImagesGoUnlessTheyHaveAnotherName(_ kind: BuilderKind)
    async throws
  {
    let builder = builder(kind)
    let tool = try tool(kind)
    var images: [BuiltImage] = []
    for content in 1...4 {
      let image = try await builder.build(
        [try artifact("COPY id /id\n", content: "\(content)")], tags: ["web": "web:\(content)"]
      ) { _, _ in }[0]
      try await tool.tag(image.id, image.localReference)
      images.append(image)
    }
    try await tool.tag(images[0].id, "mine:1")
    await builder.prune([try artifact("COPY id /id\n", content: "4")], keeping: 1)
    var ids: [String?] = []
    for image in images { ids.append(try await tool.id(of: image.id)) }
    #expect(ids == [images[0].id, nil, images[2].id, images[3].id])
    #expect(try await tool.id(of: "mine:1") == images[0].id)
  }

  @Test func fromOneStoreIntoTheLabs() async throws {
    let image = try await builder(.buildah).build([try artifact("COPY id /id\n")], tags: [:]) { _, _ in }[0]
    let loader = ImageLoader(product: .lab(images: shop.directory + "/lab"), builder: builder(.buildah))
    let reference = try await loader.load(image)
    let lab = try StoreTool(
      BuilderStore(.buildah, arguments: LabStorage.arguments(shop.directory + "/lab")),
      environment: shop.realEnvironment)
    #expect(try await lab.id(of: reference) == image.id)
  }

  @Test func requiredImagesAreFoundAsBases() async throws {
    let base = try artifact("COPY id /id\n")
    var app = try shop.artifact(
      "app", requires: [.init(image: "web", alias: "BASE")], dockerfile: "ARG BASE\nFROM $BASE\nCOPY id /mine\n")
    app.position = SourcePosition(file: "skaffold.yaml", line: 3)
    let images = try await builder(.buildah).build([app, base], tags: ["web": "web:7"]) { _, _ in }
    #expect(images.count == 2 && images[0].id != images[1].id)
  }
}
