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
  /// Its nodes run on this machine's kernel; else only a person's word allows it.
  public var isLocal: Bool

  public init(uid: String, reason: String, product: String?, isLocal: Bool) {
    self.uid = uid
    self.reason = reason
    self.product = product
    self.isLocal = isLocal
  }
}

/// What a person says of a context, for one repository.
public struct ClusterConsent: Sendable {
  /// It is allowed by name now (`--allow-context`).
  public var isAllowed: Bool
  /// The UID of the cluster that it led to when it was allowed; nil for one that never was.
  public var known: String?
  /// Puts a question to the person; nil if there is none.
  public var ask: (@Sendable (_ question: String) -> Bool)?

  public init(isAllowed: Bool = false, known: String? = nil, ask: (@Sendable (_ question: String) -> Bool)? = nil) {
    self.isAllowed = isAllowed
    self.known = known
    self.ask = ask
  }
}

/// Refuses to deploy into a cluster that is not on this machine.
///
/// A context's name and a loopback address prove nothing: the one is anybody's choice, the other may be a tunnel's end.
/// A cluster is local when its nodes run on this very kernel (their boot ID). Where they say that they are of a product
/// for workstations, and the API server's address is this machine's or on one of its own networks, it may be local, or
/// a colleague's: a person is asked once.
public enum LocalGuard {
  /// - Parameters:
  ///   - context: the name in the kubeconfig.
  ///   - consent: what a person has said, or says when asked.
  /// - Throws: `.notLocal`, `.clusterChanged`, and `.cluster` when the API server does not answer.
  public static func check(client: KubeClient, context: String, consent: ClusterConsent = ClusterConsent())
    async throws(DeployError) -> GuardedCluster
  {
    let (system, nodes) = try await attempt("looking at the cluster of context \(context)") {
      () async throws(KubeError) in
      (try await client.get(.namespaces, "kube-system"), try await Self.nodes(client))
    }
    let uid = system.uid ?? ""
    let bootID = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)).map {
      String($0.prefix { !$0.isWhitespace })
    }
    let signs = NodeSigns(nodes: nodes, bootID: bootID)
    let decision = decide(
      signs, ServerAddress.place(of: client.access.server.host), context: context, server: "\(client.access.server)",
      uid: uid,
      isAllowed: consent.isAllowed, known: consent.known)
    switch decision {
    case .local(let reason): return GuardedCluster(uid: uid, reason: reason, product: signs.product, isLocal: true)
    case .allowed(let reason): return GuardedCluster(uid: uid, reason: reason, product: signs.product, isLocal: false)
    case .ask(let question, let reason, let refusal):
      guard let ask = consent.ask, ask(question) else { throw refusal }
      return GuardedCluster(uid: uid, reason: reason, product: signs.product, isLocal: false)
    case .refused(let error): throw error
    }
  }

  /// What tells a cluster from others: the UID of its namespace kube-system; the server's address for whoever may not
  /// read that.
  public static func identity(of client: KubeClient) async throws(DeployError) -> String {
    do throws(KubeError) {
      return try await client.get(.namespaces, "kube-system").uid ?? "\(client.access.server)"
    } catch {
      if error.isForbidden { return "\(client.access.server)" }
      throw DeployError(error, doing: "looking at the cluster of context \(client.access.contextName)")
    }
  }

  enum Decision: Sendable, Hashable {
    /// Its nodes run here.
    case local(String)
    /// A person's word is remembered, or given now.
    case allowed(String)
    /// Signs that anybody can make. The error is for a no, or for nobody to ask.
    case ask(question: String, reason: String, refusal: DeployError)
    case refused(DeployError)
  }

  static func decide(
    _ signs: NodeSigns, _ place: ServerAddress.Place, context: String, server: String, uid: String, isAllowed: Bool,
    known: String?
  ) -> Decision {
    if let known, known != uid, !isAllowed {
      return .refused(
        DeployError(
          .clusterChanged,
          "context \(context) leads to another cluster than before (\(server), kube-system \(uid), before \(known))",
          remedy: "If the cluster was made anew, confirm it with --allow-context \(context)."))
    }
    if signs.areOnThisKernel { return .local("its nodes run on this machine\(signs.product.map { " (\($0))" } ?? "")") }
    if isAllowed || known != nil { return .allowed("context \(context) was allowed") }
    let remedy = "Choose a local cluster's context, or allow this one: --allow-context \(context)."
    guard let reason = reason(signs, place) else {
      return .refused(
        DeployError(
          .notLocal,
          "context \(context) leads to \(server), which is not known to be on this machine: its nodes run elsewhere",
          remedy: remedy))
    }
    return .ask(
      question: "Deploy into context \(context) (\(server))? Its nodes do not run on this machine's kernel; \(reason).",
      reason: reason,
      refusal: DeployError(
        .notLocal, "context \(context) leads to \(server), which only says that it is on this machine: \(reason)",
        remedy: remedy))
  }

  /// None for a user who may not see them: the context may still have been allowed.
  private static func nodes(_ client: KubeClient) async throws(KubeError) -> [JSONValue] {
    do { return try await client.list(.nodes, namespace: nil).items } catch {
      if error.isForbidden { return [] }
      throw error
    }
  }

  /// Weak signs.
  static func reason(_ signs: NodeSigns, _ place: ServerAddress.Place) -> String? {
    guard let product = signs.product, NodeSigns.workstationProducts.contains(product) else { return nil }
    switch place {
    case .loopback: return "it is \(product), and its API server is on this machine's loopback"
    case .onLink(let interface): return "it is \(product), and its API server is on this machine's network \(interface)"
    case .elsewhere: return nil
    }
  }
}
