import FoundationEssentials
import Skaffold
import Testing

@testable import Images

private func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

/// Against a cluster's own ways, where the environment names them: DEVTUNNEL_TEST_REGISTRY=HOST:PORT (without TLS),
/// DEVTUNNEL_TEST_CONTAINERD=COMMAND.
@Suite struct ClusterTests {
  let shop: Workshop

  init() throws { shop = try Workshop() }

  /// The person's own: the tools may need HOME.
  var environment: [String: String] {
    ProcessInfo.processInfo.environment.merging(["TMPDIR": shop.directory + "/tmp"]) { $1 }
  }

  func load(_ product: ClusterProduct) async throws -> (image: BuiltImage, reference: String) {
    var settings = ImageLoader.settings(for: product, builder: .buildah)
    settings.storageArguments = [
      "--root", shop.directory + "/root", "--runroot", shop.directory + "/run", "--storage-driver", "vfs",
    ]
    let builder = shop.builder(environment: environment, settings)
    let image = try await builder.build([try shop.artifact("devtunnel-test")], tags: [:]) { _, _ in }[0]
    return (image, try await ImageLoader(product: product, builder: builder).load(image))
  }

  @Test(.enabled(if: variable("DEVTUNNEL_TEST_REGISTRY") != nil)) func aRegistryHasThePushedImage() async throws {
    let registry = try #require(variable("DEVTUNNEL_TEST_REGISTRY"))
    let (image, reference) = try await load(.registry(.init(push: registry, isInsecure: true)))
    #expect(reference == "\(registry)/devtunnel-test:\(image.immutableTag)")
    let other = ["--root", shop.directory + "/other", "--runroot", shop.directory + "/run2", "--storage-driver", "vfs"]
    let tool = try StoreTool(BuilderStore(.buildah, arguments: other), environment: shop.realEnvironment)
    try await tool.succeed(["pull", "--quiet", "--tls-verify=false", reference], "pull")
    #expect(try await tool.id(of: reference) == image.id)
  }

  @Test(.enabled(if: variable("DEVTUNNEL_TEST_CONTAINERD") != nil)) func containerdHasTheImage() async throws {
    let prefix = try #require(variable("DEVTUNNEL_TEST_CONTAINERD")).split(separator: " ").map(String.init)
    let (_, reference) = try await load(.containerd(prefix: prefix))
    let name = "docker.io/library/" + reference
    func ctr(_ arguments: [String]) async throws -> String {
      let command = prefix.dropFirst() + ["ctr", "-n", "k8s.io", "images"] + arguments
      return try await Child(program: prefix[0], arguments: Array(command), environment: environment).read().output
    }
    #expect(try await ctr(["ls", "-q"]).contains(name))
    _ = try await ctr(["rm", name])
  }
}
