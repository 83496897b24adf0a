import KubeAPI
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A cluster that the loop may write to.
public struct GuardedCluster: Sendable, Hashable {
  /// The UID of the namespace kube-system: the cluster's identity, to be pinned.
  public var uid: String
  /// Why it may be written to, for a person: `its nodes run on this machine`.
  public var reason: String
  /// As its nodes tell: kind, minikube, k3d, k3s, docker-desktop, colima, rancher-desktop, microk8s, lab.
  public var product: String?
  /// False where only a person's word allows it.
  public var isLocal: Bool

  public init(uid: String, reason: String, product: String?, isLocal: Bool) {
    self.uid = uid
    self.reason = reason
    self.product = product
    self.isLocal = isLocal
  }
}

/// Refuses to deploy into a cluster that is not on this machine.
///
/// A context's name and a loopback address prove nothing: the one is anybody's choice, the other may be a tunnel's end. A cluster is local when its
/// nodes run on this very kernel (their boot ID), or when they are of a product for workstations and the API server's address is this machine's or on
/// one of its own networks.
public enum LocalGuard {
  /// - Parameters:
  ///   - context: the name in the kubeconfig.
  ///   - allowed: contexts that a person has allowed (`--allow-context`).
  ///   - pinned: the UID that the context led to before; nil for a context that is new.
  /// - Throws: `.notLocal`, `.clusterChanged`, and `.cluster` when the API server does not answer.
  public static func check(
    client: KubeClient, context: String, allowed: Set<String> = [], pinned: String? = nil
  ) async throws(DeployError) -> GuardedCluster {
    let (system, nodes) = try await attempt("looking at the cluster of context \(context)") { () async throws(KubeError) in
      (try await client.get(.namespaces, "kube-system"), try await Self.nodes(client))
    }
    let uid = system.uid ?? ""
    if let pinned, pinned != uid {
      throw DeployError(
        .clusterChanged, "context \(context) leads to another cluster than before (\(client.access.server), kube-system \(uid), before \(pinned))",
        remedy: "If the cluster was made anew, confirm it with --allow-context \(context).")
    }
    let bootID = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)).map { String($0.prefix { !$0.isWhitespace }) }
    let signs = NodeSigns(nodes: nodes, bootID: bootID)
    if let reason = reason(signs, ServerAddress.place(of: client.access.server.host)) {
      return GuardedCluster(uid: uid, reason: reason, product: signs.product, isLocal: true)
    }
    if allowed.contains(context) {
      return GuardedCluster(uid: uid, reason: "context \(context) was allowed by name", product: signs.product, isLocal: false)
    }
    throw DeployError(
      .notLocal, "context \(context) leads to \(client.access.server), which is not known to be on this machine: its nodes run elsewhere",
      remedy: "Choose a local cluster's context, or allow this one: --allow-context \(context).")
  }

  /// None for a user who may not see them: the context may still have been allowed.
  private static func nodes(_ client: KubeClient) async throws(KubeError) -> [JSONValue] {
    do { return try await client.list(.nodes, namespace: nil).items } catch {
      if error.isForbidden { return [] }
      throw error
    }
  }

  static func reason(_ signs: NodeSigns, _ place: ServerAddress.Place) -> String? {
    if signs.areOnThisKernel { return "its nodes run on this machine\(signs.product.map { " (\($0))" } ?? "")" }
    guard let product = signs.product, NodeSigns.workstationProducts.contains(product) else { return nil }
    switch place {
    case .loopback: return "it is \(product), and its API server is on this machine's loopback"
    case .onLink(let interface): return "it is \(product), and its API server is on this machine's network \(interface)"
    case .elsewhere: return nil
    }
  }
}
