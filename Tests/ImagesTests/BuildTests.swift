import Glibc
import Skaffold
import Testing

@testable import Images

/// Builds with a stand-in for buildah: the artifacts that are built, their arguments, and the builds that are skipped.
@Suite struct BuildTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  @Test func nothingChangedMeansNoBuilder() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    let first = try await shop.builder().build([artifact], tags: ["web": "web:1"]) { _, _ in }
    let before = shop.lines("buildah.log").count
    let second = try await shop.builder().build([artifact], tags: ["web": "web:1"]) { _, _ in }
    #expect(shop.lines("buildah.log").count == before)
    #expect(second[0].isFromCache && !first[0].isFromCache)
    #expect(second[0].id == first[0].id)
  }

  @Test func aChangedFileIsBuiltAndAGoneImageAgain() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    let builder = shop.builder()
    let first = try await builder.build([artifact], tags: [:]) { _, _ in }
    let changed = try await builder.build([try shop.artifact("web", id: "2")], tags: [:]) { _, _ in }
    #expect(!changed[0].isFromCache && changed[0].id != first[0].id)
    _ = try await Child(program: "/bin/rm", arguments: ["-r", shop.directory + "/store"], environment: [:]).run { _ in }
    #expect(try await !builder.build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
  }

  @Test func anotherTagOfTheSameImageIsOnlyATag() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    let builder = shop.builder()
    _ = try await builder.build([artifact], tags: ["web": "web:1"]) { _, _ in }
    let image = try await builder.build([artifact], tags: ["web": "web:2"]) { _, _ in }[0]
    #expect(image.isFromCache && image.tag == "web:2")
    #expect(shop.lines("buildah.log").last == "tag \(image.id) web:2")
  }

  @Test func buildArgumentsFromTheEnvironmentCount() async throws {
    try shop.fakeBuilder()
    var artifact = try shop.artifact("web")
    artifact.build = .docker(
      DockerBuild(
        dockerfile: artifact.context + "/Dockerfile",
        buildArgs: [BuildArgument(name: "A", value: "1"), BuildArgument(name: "E", value: nil)], target: "t"))
    var environment = shop.environment
    environment["E"] = "x"
    _ = try await shop.builder(environment: environment).build([artifact], tags: [:]) { _, _ in }
    #expect(shop.lines("buildah.log")[0].contains("--build-arg A=1 --build-arg E --target t"))
    environment["E"] = "y"
    #expect(try await !shop.builder(environment: environment).build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
  }

  @Test func requiredImagesComeFirstAndAsBuildArguments() async throws {
    try shop.fakeBuilder()
    let app = try shop.artifact("app", requires: [Artifact.Requirement(image: "base", alias: "BASE")])
    let base = try shop.artifact("base")
    let images = try await shop.builder().build([app, base], tags: ["base": "base:7"]) { _, _ in }
    #expect(images.map(\.name) == ["app", "base"])
    let builds = shop.lines("buildah.log").filter { $0.hasPrefix("build ") }
    #expect(builds.count == 2 && builds[0].contains("--tag base:7") && builds[1].contains("--build-arg BASE=base:7"))
    // A new base means a new app.
    let changed = try await shop.builder().build([app, try shop.artifact("base", id: "2")], tags: ["base": "base:7"]) {
      _, _ in
    }
    #expect(changed.allSatisfy { !$0.isFromCache })
  }

  @Test func independentOnesRunSideBySideUpToTheLimit() async throws {
    // Each waits for the others' marks: with less than two at once none would end.
    try shop.fakeBuilder(
      before: """
        touch "$context.begun"
        while [ $(ls -d "$SHOP"/*.begun | wc -l) -lt 2 ]; do sleep 0.01; done
        n=$(ls -d "$SHOP"/*.begun | wc -l); d=$(ls -d "$SHOP"/*.done 2>/dev/null | wc -l)
        [ $((n - d)) -le 2 ] || touch "$SHOP/too-many"
        touch "$context.done"
        """)
    let artifacts = try ["a", "b", "c", "d"].map { try shop.artifact($0, id: $0) }
    let images = try await shop.builder().build(artifacts, tags: [:]) { _, _ in }
    #expect(images.map(\.name) == ["a", "b", "c", "d"])
    #expect(!shop.names(in: "").contains("too-many"))
  }

  @Test func cancellingEndsTheWholeProcessGroup() async throws {
    try shop.fakeBuilder(before: "sh -c 'sleep 1000 & echo $! > \"$SHOP/pid\"; echo begun; wait' ; exit 3")
    let artifact = try shop.artifact("web")
    let builder = shop.builder()
    let (begun, signal) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await builder.build([artifact], tags: [:]) { _, line in if line == "begun" { signal.finish() } }
    }
    for await _ in begun {}
    task.cancel()
    let error = await buildError { () throws(BuildError) in
      if case .failure(let error) = await task.result {
        throw (error as? BuildError) ?? BuildError(.badInput, "\(error)")
      }
    }
    #expect(error?.reason == .cancelled)
    let pid = try #require(Int32(shop.lines("pid")[0]))
    // SIGKILL has been sent; the kernel may take a moment.
    while Workshop.isAlive(pid) { await Task.yield() }
    #expect(shop.names(in: "tmp").isEmpty)
    #expect(shop.names(in: "cache").isEmpty)
  }

  @Test func linesComeOneByOneAndTheLastOnesStayWithTheError() async throws {
    try shop.fakeBuilder(before: "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); done; echo oops >&2; exit 4")
    let artifact = try shop.artifact("web")
    let (lines, sink) = AsyncStream.makeStream(of: String.self)
    let builder = shop.builder()
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { sink.yield("\($0): \($1)") }
    }
    sink.finish()
    var seen: [String] = []
    for await line in lines { seen.append(line) }
    #expect(seen.count == 61 && seen[0] == "web: line 0" && seen.last == "web: oops")
    #expect(
      error?.reason == .commandFailed && error?.artifact == "web" && error?.output.count == 40
        && error?.output.last == "oops")
  }

  @Test func oldImagesOfALoopGo() async throws {
    try shop.fakeBuilder()
    let builder = shop.builder()
    var ids: [String] = []
    for id in 1...4 {
      ids += try await builder.build([try shop.artifact("web", id: "\(id)")], tags: [:]) { _, _ in }.map {
        String($0.id.dropFirst(7))
      }
    }
    await builder.prune([try shop.artifact("web", id: "4")], keeping: 2)
    #expect(shop.lines("buildah.log").filter { $0.hasPrefix("rmi") } == ["rmi " + ids[0]])
    await builder.prune([try shop.artifact("web", id: "4")], keeping: 2)
    #expect(shop.lines("buildah.log").filter { $0.hasPrefix("rmi") }.count == 1)
  }

  @Test func anOldImageGoesByTheNamesItGotHereAndStaysWithAnother() async throws {
    try shop.fakeBuilder()
    let builder = shop.builder()
    var ids: [String] = []
    for id in 1...4 {
      let tags = ["web": "web:\(id)"]
      ids += try await builder.build([try shop.artifact("web", id: "\(id)")], tags: tags) { _, _ in }.map {
        String($0.id.dropFirst(7))
      }
    }
    let immutable = "localhost/web:devtunnel-" + ids[0].prefix(12)
    try shop.write(
      "sha256:\(ids[0]) \(immutable)\nsha256:\(ids[0]) localhost/web:1\nsha256:\(ids[1]) localhost/mine:1\n",
      to: "images")
    await builder.prune([try shop.artifact("web", id: "4")], keeping: 1)
    #expect(shop.lines("buildah.log").filter { $0.hasPrefix("rmi") } == ["rmi \(immutable) localhost/web:1"])
  }

  @Test func secretsAreNotInTheCache() async throws {
    try shop.fakeBuilder()
    var artifact = try shop.artifact("web")
    artifact.build = .docker(
      DockerBuild(
        dockerfile: artifact.context + "/Dockerfile",
        buildArgs: [BuildArgument(name: "T", value: "hunter2"), BuildArgument(name: "E", value: nil)]))
    let environment = shop.environment.merging(["E": "topsecret"]) { $1 }
    #expect(try await !shop.builder(environment: environment).build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    #expect(try await shop.builder(environment: environment).build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    let cache = shop.read("cache/images.json")
    #expect(!cache.isEmpty && !cache.contains("hunter2") && !cache.contains("topsecret"))
    // Neither can they be found by trying, without the key.
    #expect(shop.read("cache/key").utf8.count > 0)
    for name in ["", "/images.json", "/key"] {
      var status = stat()
      #expect(stat(shop.directory + "/cache" + name, &status) == 0 && status.st_mode & 0o077 == 0, "\(name)")
    }
  }

  @Test func aCacheThatOthersMayWriteIsNotBelieved() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    _ = try await shop.builder().build([artifact], tags: [:]) { _, _ in }
    #expect(chmod(shop.directory + "/cache", 0o777) == 0)
    let error = await buildError { () async throws(BuildError) in
      _ = try await shop.builder().build([artifact], tags: [:]) { _, _ in }
    }
    #expect(
      error?.message.contains("others may write to it") == true && error?.remedy?.contains("XDG_CACHE_HOME") == true)
    #expect(chmod(shop.directory + "/cache", 0o755) == 0)
    #expect(try await shop.builder().build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    if geteuid() == 0 {
      #expect(chown(shop.directory + "/cache", 65534, 65534) == 0)
      #expect(BuildCache(directory: shop.directory + "/cache")[artifact.cacheKey] == nil)
    }
  }
}
