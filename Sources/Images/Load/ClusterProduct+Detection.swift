import KubeAPI
import KubeObjects

extension ClusterProduct {
  /// The annotation of a lab's node: the directory of its images.
  static let labAnnotation = "devtunnel.dev/lab-images"

  /// Recognises the cluster's product by its nodes. The context's name only serves the error.
  /// - Parameter confirms: whether the user wants images pushed to this registry, which the cluster names
  ///   and which is not on this machine.
  /// - Throws: `unknownProduct`, listing the choices for `--load`; `loadFailed` if the nodes cannot be read.
  public static func detect(
    client: KubeClient, context: String, environment: [String: String],
    confirms: @escaping @Sendable (_ registry: String) -> Bool
  ) async throws(BuildError) -> ClusterProduct {
    try detect(
      try await ClusterFacts.read(client: client, environment: environment, confirms: confirms), context: context)
  }

  /// Recognises the product by the nodes' own words; docs/images.md has the source of each mark.
  static func detect(_ facts: ClusterFacts, context: String) throws(BuildError) -> ClusterProduct {
    if let images = facts.labImages { return .lab(images: images) }
    if let docker = sharedDocker(facts) { return docker }
    // A push sends the layers that changed; the products' own tools send whole images.
    if let registry = facts.announcedRegistry { return .registry(registry) }
    if let profile = facts.label("minikube.k8s.io/name") { return .minikube(profile: profile) }
    if let name = kindName(facts) { return .kind(name: name) }
    if facts.info("kubeletVersion").contains("+k3s") {
      if let name = k3dName(facts) { return .k3d(name: name) }
      if facts.isHere, facts.exists("/run/k3s/containerd/containerd.sock") { return .k3s }
    }
    if facts.isHere {
      if facts.runtime.hasPrefix("containerd://"), facts.exists("/run/containerd/containerd.sock") {
        return .containerd(prefix: [])
      }
      // CRI-O and podman share /var/lib/containers/storage.
      if facts.runtime.hasPrefix("cri-o://"), facts.exists("/run/crio/crio.sock") { return .shared(.podman) }
    }
    throw unknown(facts, context)
  }

  /// Recognises nodes whose kubelet runs on the Docker daemon of this machine's `docker`.
  private static func sharedDocker(_ facts: ClusterFacts) -> ClusterProduct? {
    if let profile = facts.label("minikube.k8s.io/name") {
      return facts.environment["MINIKUBE_ACTIVE_DOCKERD"] == profile ? .shared(.docker) : nil
    }
    if ["docker-desktop", "orbstack"].contains(where: { facts.names == [$0] }) { return .shared(.docker) }
    return facts.runtime.hasPrefix("docker://")
      && (facts.isHere || facts.names == ["colima"] || facts.names == ["lima-rancher-desktop"])
      ? .shared(.docker) : nil
  }

  /// Reads the name from `spec.providerID`, which is `kind://docker/NAME/NODE`.
  private static func kindName(_ facts: ClusterFacts) -> String? {
    guard let provider = facts.nodes.first?[path: "spec", "providerID"]?.stringValue, provider.hasPrefix("kind://")
    else { return nil }
    return provider.split(separator: "/").dropFirst(2).first.map(String.init)
  }

  /// Reads the name from the nodes' names, `k3d-NAME-server-0` and `k3d-NAME-agent-0`.
  private static func k3dName(_ facts: ClusterFacts) -> String? {
    guard let name = facts.names.first, name.hasPrefix("k3d-") else { return nil }
    for role in ["-server-", "-agent-"] {
      if let end = name.ranges(of: role).last {
        return String(name[name.index(name.startIndex, offsetBy: 4)..<end.lowerBound])
      }
    }
    return nil
  }

  private static func unknown(_ facts: ClusterFacts, _ context: String) -> BuildError {
    let marks = [facts.names.first ?? "", facts.info("osImage"), facts.runtime, facts.info("kubeletVersion")].joined(
      separator: ", ")
    let node = facts.nodes.isEmpty ? "it has no nodes" : "node " + marks
    return BuildError(
      .unknownProduct, "cannot determine how the cluster of context \(context) gets images (\(node))",
      remedy: "name it with --load KIND: \(choices)")
  }
}
