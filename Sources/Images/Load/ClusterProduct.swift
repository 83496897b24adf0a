import KubeAPI

/// What a local cluster is, as far as the way of images into it goes.
public enum ClusterProduct: Sendable, Hashable, CustomStringConvertible {
  /// devtunnel's lab: the directory that its containers/storage is in.
  case lab(images: String)
  /// k3s on this machine: `k3s ctr images import`, as root.
  case k3s
  /// containerd by its socket: `ctr -n k8s.io images import`.
  /// - prefix: a command that `ctr` is run by, such as `sudo` or one that enters the node; empty for none.
  case containerd(prefix: [String])
  case kind(name: String)
  case minikube(profile: String)
  case k3d(name: String)
  /// The node runs on the builder's own store (Docker Desktop, minikube's driver `none`, OrbStack, a node on podman's): nothing to load.
  case shared(BuilderKind)
  case registry(RegistryNames)

  /// A registry that the cluster pulls from.
  public struct RegistryNames: Sendable, Hashable {
    /// `host:port[/prefix]` as this machine reaches it; empty: the images' own names say the registry.
    public var push: String
    /// The same registry as the nodes reach it.
    public var pull: String
    /// Plain HTTP, or a certificate that nobody signed.
    public var isInsecure: Bool

    public init(push: String, pull: String? = nil, isInsecure: Bool = false) {
      self.push = push
      self.pull = pull ?? push
      self.isInsecure = isInsecure
    }
  }

  /// Reads what `--load` says: `lab:DIR`, `k3s`, `containerd[:COMMAND…]`, `kind[:NAME]`, `minikube[:PROFILE]`, `k3d[:NAME]`, `docker`, `podman`,
  /// `registry[:PUSH[=PULL]][,insecure]`.
  public init(parsing text: String) throws(BuildError) {
    fatalError("soon")
  }

  /// Asks the cluster's nodes what it is; the context's name serves for the product's own name of the cluster (`kind-NAME`) where the nodes do not say it.
  /// - Throws: `unknownProduct`, listing the choices for `--load`; `loadFailed` where the nodes cannot be read.
  public static func detect(client: KubeClient, context: String, environment: [String: String]) async throws(BuildError) -> ClusterProduct {
    fatalError("soon")
  }

  /// For a person: `kind (cluster dev)`.
  public var description: String { fatalError("soon") }
}
