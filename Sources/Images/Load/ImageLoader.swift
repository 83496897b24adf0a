import Synchronization

/// Brings built images to a cluster's nodes.
public struct ImageLoader: Sendable {
  public let product: ClusterProduct
  let builder: ImageBuilder
  private let loaded = Loaded()

  public init(product: ClusterProduct, builder: ImageBuilder) {
    self.product = product
    self.builder = builder
  }

  /// Loads an image, unless this loader has loaded it before.
  /// - Parameter output: gets each line that a tool writes.
  /// - Returns: the immutable reference that the cluster's manifests must use.
  /// - Throws: `loadFailed`, `builderMissing` if the product's own tool is not installed, `diskFull`, `cancelled`.
  @discardableResult
  public func load(_ image: BuiltImage, output: @escaping @Sendable (String) -> Void = { _ in })
    async throws(BuildError) -> String
  {
    if case .registry(let names) = product, names.push.isEmpty, names.pull.isEmpty, let pushed = image.pushed,
      await isStillThere(pushed, image)
    {
      return pushed
    }
    let reference = reference(of: image)
    if loaded.references.withLock({ $0.contains(reference) }) { return reference }
    do throws(BuildError) {
      try await bring(image, output)
    } catch {
      var error = error
      error.artifact = image.name
      throw error
    }
    loaded.references.withLock { _ = $0.insert(reference) }
    return reference
  }

  /// Checks for a pushed image, unless it was pushed just now: registries forget.
  private func isStillThere(_ pushed: String, _ image: BuiltImage) async -> Bool {
    if !image.isFromCache { return true }
    return await builder.registry.image(pushed) != nil
  }

  /// Returns the reference that `load` gives unless the artifact's own command has pushed the image:
  /// `name:devtunnel-<12 digits>`, below the registry's cluster-internal name if there is one.
  public func reference(of image: BuiltImage) -> String {
    guard case .registry(let names) = product else { return image.localReference }
    return ImageName(image.repository).below(names.pull) + ":" + image.immutableTag
  }

  /// Returns build settings for the product: the lab's own store to build into, whether custom commands
  /// push, registries without TLS.
  public static func settings(
    for product: ClusterProduct, builder: BuilderKind, _ settings: BuildSettings = BuildSettings()
  ) -> BuildSettings {
    var settings = settings
    switch product {
    case .lab(let images) where builder != .docker: settings.storageArguments = LabStorage.arguments(images)
    case .registry(let names):
      settings.pushes = names.push.isEmpty
      if names.isInsecure, let host = names.push.split(separator: "/").first {
        settings.insecureRegistries.insert(String(host))
      }
    default: break
    }
    return settings
  }

  private func bring(_ image: BuiltImage, _ output: @escaping @Sendable (String) -> Void) async throws(BuildError) {
    let tool = try StoreTool(image.store, environment: builder.environment)
    if case .registry(let names) = product { return try await push(image, names, tool, output) }
    // Other tools find it under this name too, and it stays when the artifact's own tag moves on.
    try await tool.tag(image.id, image.localReference)
    switch product {
    case .lab(let images): try await LabStorage(images: images).load(image, tool, output)
    case .shared(let kind): try await share(image, kind, tool, output)
    case .registry: break
    case .containerd(let prefix):
      try await importStream(image, tool, prefix + ["ctr", "-n", "k8s.io", "images", "import", "-"], output)
    case .k3s: try await importStream(image, tool, ["k3s", "ctr", "images", "import", "-"], output)
    case .kind(let name):
      try await importFile(image, tool, ["kind", "load", "image-archive"], ["--name", name], output)
    case .minikube(let profile):
      try await importFile(image, tool, ["minikube", "image", "load"], ["--profile", profile], output)
    case .k3d(let name): try await importFile(image, tool, ["k3d", "image", "import"], ["--cluster", name], output)
    }
  }

  private final class Loaded: Sendable {
    let references = Mutex<Set<String>>([])
  }
}

extension BuiltImage {
  /// The immutable reference in the builder's own store.
  var localReference: String { repository + ":" + immutableTag }
}
