/// A local cluster's product, as far as loading images depends on it.
public enum ClusterProduct: Sendable, Hashable, CustomStringConvertible {
  /// devtunnel's lab: the directory that its containers/storage is in.
  case lab(images: String)
  /// k3s on this machine: `k3s ctr images import`, as root.
  case k3s
  /// containerd by its socket: `ctr -n k8s.io images import`.
  /// - prefix: a command that runs `ctr`, such as `sudo` or one that enters the node; empty for none.
  case containerd(prefix: [String])
  case kind(name: String)
  case minikube(profile: String)
  case k3d(name: String)
  /// The node runs on the builder's own store (Docker Desktop, OrbStack, minikube's docker-env, CRI-O with podman):
  /// nothing to load.
  case shared(BuilderKind)
  case registry(RegistryNames)

  /// A registry that the cluster pulls from.
  public struct RegistryNames: Sendable, Hashable {
    /// `host:port[/prefix]` as this machine reaches it; empty: the images' own names contain the registry.
    public var push: String
    /// The same registry as the nodes reach it.
    public var pull: String
    /// Plain HTTP, or an unsigned certificate.
    public var isInsecure: Bool

    public init(push: String, pull: String? = nil, isInsecure: Bool = false) {
      self.push = push
      self.pull = pull ?? push
      self.isInsecure = isInsecure
    }
  }

  /// For the user: `kind (cluster dev)`.
  public var description: String {
    switch self {
    case .lab(let images): "devtunnel lab (images in \(images))"
    case .k3s: "k3s"
    case .containerd(let prefix):
      prefix.isEmpty ? "containerd" : "containerd (through \(prefix.joined(separator: " ")))"
    case .kind(let name): "kind (cluster \(name))"
    case .minikube(let profile): "minikube (profile \(profile))"
    case .k3d(let name): "k3d (cluster \(name))"
    case .shared(let kind): "shared store of \(kind.rawValue)"
    case .registry(let names) where names.push.isEmpty: "registry (as the images are named)"
    case .registry(let names):
      "registry \(names.push)" + (names.pull == names.push ? "" : ", in the cluster \(names.pull)")
    }
  }
}
