import Glibc
import Skaffold
import Testing

@testable import Images

@Suite struct CustomBuildTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  func artifact(_ command: String) throws -> Artifact {
    var artifact = try shop.artifact("web")
    artifact.build = .custom(CustomBuild(command: command))
    return artifact
  }

  let inspected =
    #"case "$1" in inspect) cat "$SHOP/known" 2>/dev/null || exit 1;; info) echo "$SHOP/store overlay";; esac"#

  @Test func theCommandGetsWhatSkaffoldGivesIt() async throws {
    try shop.program("buildah", inspected)
    let id = String(repeating: "a", count: 64)
    let artifact = try artifact(
      "echo $IMAGE $IMAGE_REPO $IMAGE_TAG $PUSH_IMAGE $BUILD_CONTEXT \"$PLATFORMS\" $(pwd) > \"$SHOP/said\"; "
        + "echo \(id) > \"$SHOP/known\"; mkdir -p $SHOP/store/overlay-images/\(id)")
    var settings = BuildSettings()
    settings.platforms = ["linux/amd64", "linux/arm64"]
    var environment = shop.environment
    environment["PATH"]! += ":/usr/bin:/bin"
    let image = try await shop.builder(environment: environment, settings).build([artifact], tags: ["web": "h:5/web:1"])
    { _, _ in }[0]
    #expect(image.id == "sha256:" + id && image.store == BuilderStore(.buildah))
    let directory = shop.directory + "/web"
    #expect(shop.lines("said") == ["h:5/web:1 h:5/web 1 false \(directory) linux/amd64,linux/arm64 \(directory)"])
    #expect(
      try await shop.builder(environment: environment, settings).build([artifact], tags: ["web": "h:5/web:1"]) { _, _ in
      }[0].isFromCache)
  }

  @Test func anImageThatIsNowhereIsAnError() async throws {
    try shop.program("buildah", inspected)
    let artifact = try artifact("echo done")
    let builder = shop.builder()
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    }
    #expect(error?.reason == .imageMissing && error?.output == ["done"])
  }

  @Test func aFailingCommandIsToldWithItsWords() async throws {
    try shop.program("buildah", inspected)
    let artifact = try artifact("echo broken >&2; exit 7")
    let builder = shop.builder()
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    }
    #expect(error?.reason == .commandFailed && error?.message.contains("ended with status 7: broken") == true)
  }

  @Test func aProcessLeftInTheBackgroundHoldsNothingUp() async throws {
    try shop.program("buildah", inspected)
    let artifact = try artifact("/usr/bin/setsid /bin/sleep 1000 & echo $! > \"$SHOP/pid\"; echo done")
    let builder = shop.builder()
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    }
    let pid = try #require(Int32(shop.lines("pid")[0]))
    #expect(Workshop.isAlive(pid))
    kill(pid, SIGKILL)
    #expect(error?.reason == .imageMissing && error?.output == ["done"])
  }
}
