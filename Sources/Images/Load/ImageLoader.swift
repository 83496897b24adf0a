/// Brings built images to where a cluster's nodes find them.
public struct ImageLoader: Sendable {
  public let product: ClusterProduct
  let builder: ImageBuilder

  public init(product: ClusterProduct, builder: ImageBuilder) {
    self.product = product
    self.builder = builder
  }

  /// - Parameter output: gets each line that a tool writes.
  /// - Returns: the immutable reference that the cluster's manifests must use.
  /// - Throws: `loadFailed`, `builderMissing` where the product's own tool is not installed, `diskFull`, `cancelled`.
  @discardableResult
  public func load(_ image: BuiltImage, output: @escaping @Sendable (String) -> Void = { _ in }) async throws(BuildError) -> String {
    fatalError("soon")
  }

  /// The build settings that fit the product: the lab's own store to build into, whether custom commands push.
  public static func settings(for product: ClusterProduct, _ settings: BuildSettings = BuildSettings()) -> BuildSettings {
    fatalError("soon")
  }
}
