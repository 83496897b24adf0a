import Skaffold
import Testing

@testable import Images

/// With the real reading of build contexts.
@Suite struct SourcesTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  @Test func onlyWhatTheBuildSeesCounts() async throws {
    try shop.fakeBuilder()
    let artifact = try shop.artifact("web")
    let builder = ImageBuilder(kind: .buildah, cacheDirectory: shop.directory + "/cache", environment: shop.environment)
    _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    try shop.write("nobody copies this", to: "web/notes")
    #expect(try await builder.build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
    try shop.write("2", to: "web/id")
    #expect(try await !builder.build([artifact], tags: [:]) { _, _ in }[0].isFromCache)
  }

  @Test func anUnreadableDockerfileIsToldWithItsLine() async throws {
    try shop.fakeBuilder()
    var artifact = try shop.artifact("web", dockerfile: "FROM scratch AS one\n")
    artifact.build = .docker(DockerBuild(dockerfile: artifact.context + "/Dockerfile", target: "two"))
    let builder = ImageBuilder(kind: .buildah, cacheDirectory: shop.directory + "/cache", environment: shop.environment)
    let error = await buildError { () throws(BuildError) in
      _ = try await builder.build([artifact], tags: [:]) { _, _ in }
    }
    #expect(error?.reason == .badInput && error?.artifact == "web" && error?.message.contains("two") == true)
  }
}
