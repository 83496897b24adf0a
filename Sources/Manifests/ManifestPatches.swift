import KubeObjects

/// What the dev loop changes in manifests so that what was built here runs in the local cluster. The same as an equivalent kustomize patch gives.
public struct ManifestPatches: Sendable, Hashable {
  /// From an image's name as the manifests write it, without tag and digest, to the immutable reference that takes its place.
  public var images: [String: String]
  /// Whether Pods get `dnsPolicy: Default`, so that they ask what their node asks: in a dev loop, through the tunnel.
  public var dnsPolicy: Bool
  /// Whether containers with one of `images` get `imagePullPolicy: IfNotPresent`: a local image's `:latest` would otherwise be pulled, and fail.
  public var pullPolicy: Bool
  /// The namespace of objects that name none; cluster-wide kinds are left alone.
  public var namespace: String?

  public init(images: [String: String] = [:], dnsPolicy: Bool = true, pullPolicy: Bool = true, namespace: String? = nil) {
    self.images = images
    self.dnsPolicy = dnsPolicy
    self.pullPolicy = pullPolicy
    self.namespace = namespace
  }

  /// The manifests with the patches, in their order.
  public func apply(to manifests: [Manifest]) -> [Manifest] { fatalError() }

  /// The names of `images` that no container in the manifests uses, sorted: probably a misspelt name.
  public func unusedImages(in manifests: [Manifest]) -> [String] { fatalError() }
}
