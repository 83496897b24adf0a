extension ClusterProduct {
  /// The words that `--load` takes.
  static let choices =
    "lab:DIRECTORY, containerd[:COMMAND], k3s, kind[:CLUSTER], minikube[:PROFILE], k3d[:CLUSTER], "
    + "docker, podman, buildah, registry[:PUSH[=PULL]][,insecure]"

  /// Reads the value of `--load`: `lab:DIRECTORY`, `k3s`, `containerd[:COMMAND…]`, `kind[:CLUSTER]`,
  /// `minikube[:PROFILE]`, `k3d[:CLUSTER]`, `docker`, `podman`, `buildah`, `registry[:PUSH[=PULL]][,insecure]`. Without
  /// a name the product's own default counts.
  /// - Throws: `badInput`, listing the choices.
  public init(parsing text: String) throws(BuildError) {
    let colon = text.firstIndex(of: ":")
    let kind = String(text[..<(colon ?? text.endIndex)])
    let rest = colon.map { String(text[text.index(after: $0)...]) } ?? ""
    switch kind {
    case "lab" where !rest.isEmpty: self = .lab(images: rest)
    case "k3s" where rest.isEmpty: self = .k3s
    case "containerd": self = .containerd(prefix: rest.split(separator: " ").map(String.init))
    case "kind": self = .kind(name: rest.isEmpty ? "kind" : rest)
    case "minikube": self = .minikube(profile: rest.isEmpty ? "minikube" : rest)
    case "k3d": self = .k3d(name: rest.isEmpty ? "k3s-default" : rest)
    case "docker", "podman", "buildah": self = .shared(BuilderKind(rawValue: kind) ?? .docker)
    case _ where kind == "registry" || kind == "registry,insecure":
      var names = rest
      var insecure = kind != "registry"
      if names.hasSuffix(",insecure") {
        names.removeLast(",insecure".count)
        insecure = true
      }
      let parts = names.split(separator: "=", maxSplits: 1).map(String.init)
      self = .registry(
        RegistryNames(push: parts.first ?? "", pull: parts.count == 2 ? parts[1] : nil, isInsecure: insecure))
    default:
      throw BuildError(.badInput, "--load \(text) is no way to load images", remedy: "one of: \(Self.choices)")
    }
  }
}
