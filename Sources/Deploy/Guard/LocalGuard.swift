import KubeAPI

/// A cluster that the loop may write to.
public struct GuardedCluster: Sendable, Hashable {
  /// The UID of the namespace kube-system: the cluster's identity, to be pinned.
  public var uid: String
  /// Why it may be written to: `its API server listens on this machine (127.0.0.1)`, or that it was allowed by name.
  public var reason: String
  /// Its nodes say so, where they do: kind, minikube, k3s, k3d, docker-desktop, lab.
  public var product: String?
  public var isLocal: Bool
}

/// Refuses to deploy into a cluster that is not on this machine.
public enum LocalGuard {
  /// - Parameters:
  ///   - context: the name in the kubeconfig.
  ///   - allowed: contexts that a person has allowed (`--allow-context`).
  ///   - pinned: the UID that the context led to before; nil for a context that is new.
  /// - Throws: `.notLocal`, `.clusterChanged`, and `.cluster` when the API server does not answer.
  public static func check(client: KubeClient, context: String, allowed: Set<String> = [], pinned: String? = nil) async throws(DeployError) -> GuardedCluster {
    fatalError()
  }
}
