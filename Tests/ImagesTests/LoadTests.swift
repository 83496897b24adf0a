import Skaffold
import Testing

@testable import Images

/// The products' own tools, by stand-ins that note their arguments.
@Suite struct LoadTests {
  let shop: Workshop
  let image = BuiltImage(
    name: "web", tag: "web:latest", id: "sha256:0123456789abcdef" + String(repeating: "0", count: 48),
    store: BuilderStore(.buildah), isFromCache: false,
    duration: .zero)

  init() throws {
    shop = try Workshop()
    try shop.program(
      "buildah", "for a; do case $a in docker-archive:*) f=${a#docker-archive:}; echo tar > ${f%%:*};; esac; done")
    try shop.program("docker", "[ $1 = save ] && echo tar > $3; exit 0")
  }

  func load(_ product: ClusterProduct, _ image: BuiltImage, _ settings: BuildSettings = BuildSettings()) async throws
    -> String
  {
    try await ImageLoader(product: product, builder: shop.builder(.buildah, settings)).load(image)
  }

  @Test func toolsThatTakeAnArchive() async throws {
    for name in ["kind", "minikube", "k3d"] { try shop.program(name, "cat $3") }
    #expect(try await load(.kind(name: "dev"), image) == "web:devtunnel-0123456789ab")
    _ = try await load(.minikube(profile: "p"), image)
    _ = try await load(.k3d(name: "c"), image)
    #expect(shop.lines("kind.log")[0].hasPrefix("load image-archive \(shop.directory)/tmp/devtunnel-images-"))
    #expect(shop.lines("kind.log")[0].hasSuffix("/image.tar --name dev"))
    #expect(
      shop.lines("minikube.log")[0].hasPrefix("image load /") && shop.lines("minikube.log")[0].hasSuffix(" --profile p")
    )
    #expect(shop.lines("k3d.log")[0].hasPrefix("image import /") && shop.lines("k3d.log")[0].hasSuffix(" --cluster c"))
    #expect(shop.lines("buildah.log")[1].hasSuffix("/image.tar:docker.io/library/web:devtunnel-0123456789ab"))
    #expect(shop.names(in: "tmp").isEmpty)
  }

  @Test func aDefaultRepositoryIsWhereImagesGo() async throws {
    var image = image
    image.repository = "team.example/shop/web"
    #expect(try await load(.registry(.init(push: "")), image) == "team.example/shop/web:devtunnel-0123456789ab")
    #expect(shop.lines("buildah.log").last?.hasSuffix(" docker://team.example/shop/web:devtunnel-0123456789ab") == true)
    #expect(
      ImageLoader(product: .k3s, builder: shop.builder()).reference(of: image)
        == "team.example/shop/web:devtunnel-0123456789ab")
  }

  @Test func anArtifactsRepositoryIsItsImages() async throws {
    try shop.fakeBuilder()
    let plain = try shop.artifact("web")
    let moved = Artifact(image: plain.image, repository: "team.example/web", context: plain.context, build: plain.build)
    #expect(try await shop.builder().build([moved], tags: [:]) { _, _ in }.map(\.repository) == ["team.example/web"])
    #expect(try await shop.builder().build([moved], tags: [:]) { _, _ in }.map(\.repository) == ["team.example/web"])
  }

  @Test func toolsThatReadAStream() async throws {
    try shop.program("ctr", "cat > $SHOP/got")
    try shop.program("enter", "exec \"$SHOP/bin/$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\"")
    try shop.program("k3s", "cat > $SHOP/got3")
    _ = try await load(.containerd(prefix: ["enter"]), image)
    #expect(shop.lines("enter.log") == ["ctr -n k8s.io images import -"] && shop.read("got") == "tar\n")
    _ = try await load(.k3s, image)
    #expect(shop.lines("k3s.log") == ["ctr images import -"] && shop.read("got3") == "tar\n")
  }

  @Test func aRegistryHasTwoNames() async throws {
    let product = ClusterProduct.registry(.init(push: "localhost:5001", pull: "registry:5000", isInsecure: true))
    #expect(try await load(product, image) == "registry:5000/web:devtunnel-0123456789ab")
    #expect(
      shop.lines("buildah.log").last
        == "push --quiet --tls-verify=false \(image.id) docker://localhost:5001/web:devtunnel-0123456789ab")
    var docker = image
    docker.store = BuilderStore(.docker)
    _ = try await load(product, docker)
    #expect(
      shop.lines("docker.log").suffix(2) == [
        "tag \(image.id) localhost:5001/web:devtunnel-0123456789ab",
        "push --quiet localhost:5001/web:devtunnel-0123456789ab",
      ])
  }

  @Test func theImagesOwnRegistry() async throws {
    var own = image
    own.name = "registry.example:5000/team/web"
    var settings = BuildSettings()
    settings.insecureRegistries = ["registry.example:5000"]
    #expect(
      try await load(.registry(.init(push: "")), own, settings)
        == "registry.example:5000/team/web:devtunnel-0123456789ab")
    #expect(
      shop.lines("buildah.log").last?.hasPrefix(
        "push --quiet --tls-verify=false \(image.id) docker://registry.example:5000/team/web:") == true)
  }

  @Test func anInsecureRegistryIsNoReasonToTrustAnother() async throws {
    var own = image
    own.name = "registry.corp.example/app"
    var settings = BuildSettings()
    settings.insecureRegistries = ["localhost:5000"]
    _ = try await load(.registry(.init(push: "")), own, settings)
    let pushed = shop.lines("buildah.log").last
    #expect(pushed?.contains("docker://registry.corp.example/app:") == true, "\(pushed ?? "")")
    #expect(pushed?.contains("--tls-verify") == false, "\(pushed ?? "")")
  }

  @Test func aSharedStoreNeedsATagOnly() async throws {
    _ = try await load(.shared(.podman), image)
    #expect(shop.lines("buildah.log") == ["tag \(image.id) web:devtunnel-0123456789ab"])
    _ = try await load(.shared(.docker), image)
    #expect(shop.lines("docker.log").count == 1 && shop.lines("docker.log")[0].hasPrefix("load --quiet --input /"))
  }

  @Test func theLabsStore() async throws {
    let product = ClusterProduct.lab(images: "/lab/images")
    var there = image
    there.store.arguments = LabStorage.arguments("/lab/images")
    _ = try await load(product, there)
    #expect(shop.lines("buildah.log").count == 1)
    _ = try await load(product, image)
    #expect(
      shop.lines("buildah.log").last
        == """
        push --quiet \(image.id) \
        containers-storage:[vfs@/lab/images/storage+/lab/images/run]docker.io/library/web:devtunnel-0123456789ab
        """
    )
    #expect(ImageLoader.settings(for: product, builder: .podman).storageArguments == there.store.arguments)
    #expect(ImageLoader.settings(for: product, builder: .docker).storageArguments.isEmpty)
  }

  @Test func whatIsLoadedStaysLoaded() async throws {
    try shop.program("kind")
    let loader = ImageLoader(product: .kind(name: "dev"), builder: shop.builder())
    try await loader.load(image)
    try await loader.load(image)
    #expect(shop.lines("kind.log").count == 1)
    try await ImageLoader(product: .kind(name: "dev"), builder: shop.builder()).load(image)
    #expect(shop.lines("kind.log").count == 2)
  }

  @Test func aMissingOrFailingToolIsToldWithTheArtifact() async throws {
    let loader = ImageLoader(product: .kind(name: "dev"), builder: shop.builder())
    let missing = await buildError { () throws(BuildError) in try await loader.load(image) }
    #expect(missing?.reason == .builderMissing && missing?.artifact == "web")
    try shop.program("kind", "echo 'ERROR: no nodes found for cluster \"dev\"' >&2; exit 1")
    let failed = await buildError { () throws(BuildError) in try await loader.load(image) }
    #expect(failed?.reason == .loadFailed && failed?.message.hasSuffix("no nodes found for cluster \"dev\"") == true)
    #expect(shop.names(in: "tmp").isEmpty)
  }
}
