import KubeAPI
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A cluster that the loop may write to.
public struct GuardedCluster: Sendable, Hashable {
  /// The cluster's identity, to be pinned: `LocalGuard.identity(of:)`.
  public var identity: String
  /// The reason why it may be written to, for the user: `its nodes run on this machine`.
  public var reason: String
  /// According to its nodes: kind, minikube, k3d, k3s, docker-desktop, colima, rancher-desktop, microk8s, lab.
  public var product: String?
  /// True if its nodes run on this machine's kernel; otherwise only the user's consent allows it.
  public var isLocal: Bool

  public init(identity: String, reason: String, product: String?, isLocal: Bool) {
    self.identity = identity
    self.reason = reason
    self.product = product
    self.isLocal = isLocal
  }
}

/// The user's consent to a context, for one repository.
public struct ClusterConsent: Sendable {
  /// True if it is allowed by name now (`--allow-context`).
  public var isAllowed: Bool
  /// The identity of the context's cluster when it was allowed; nil if it never was.
  public var known: String?
  /// Puts a question to the user; nil if no one can answer.
  public var ask: (@Sendable (_ question: String) -> Bool)?

  public init(isAllowed: Bool = false, known: String? = nil, ask: (@Sendable (_ question: String) -> Bool)? = nil) {
    self.isAllowed = isAllowed
    self.known = known
    self.ask = ask
  }
}

/// Refuses to deploy into a cluster that is not on this machine.
///
/// A context's name and a loopback address prove nothing: anyone can choose the name, and the address may be a tunnel's
/// end. A cluster is local if its nodes run on this very kernel (their boot ID). If they claim a product for
/// workstations, and the API server's address is this machine's or on one of its own networks, it may be local, or a
/// colleague's: the user is asked once.
public enum LocalGuard {
  /// - Parameters:
  ///   - context: the name in the kubeconfig.
  ///   - consent: the user's earlier consent, or a way to ask.
  /// - Throws: `.notLocal`, `.clusterChanged`, and `.cluster` when the API server does not answer.
  public static func check(client: KubeClient, context: String, consent: ClusterConsent = ClusterConsent())
    async throws(DeployError) -> GuardedCluster
  {
    let identity = try await identity(of: client)
    let nodes = try await attempt("looking at the nodes of context \(context)") { () async throws(KubeError) in
      try await Self.nodes(client)
    }
    let bootID = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)).map {
      String($0.prefix { !$0.isWhitespace })
    }
    let signs = NodeSigns(nodes: nodes, bootID: bootID)
    let decision = decide(
      signs, ServerAddress.place(of: client.access.server.host), context: context, server: "\(client.access.server)",
      identity: identity, isAllowed: consent.isAllowed, known: consent.known)
    switch decision {
    case .local(let reason):
      return GuardedCluster(identity: identity, reason: reason, product: signs.product, isLocal: true)
    case .allowed(let reason):
      return GuardedCluster(identity: identity, reason: reason, product: signs.product, isLocal: false)
    case .ask(let question, let reason, let refusal):
      guard let ask = consent.ask, ask(question) else { throw refusal }
      return GuardedCluster(identity: identity, reason: reason, product: signs.product, isLocal: false)
    case .refused(let error): throw error
    }
  }

  /// Returns the cluster's identity: the UID of its namespace kube-system with the certificate authority that vouches
  /// for it; for a user who may not read the UID, all that the kubeconfig shows of the cluster.
  public static func identity(of client: KubeClient) async throws(DeployError) -> String {
    var uid: String?
    do throws(KubeError) { uid = try await client.get(.namespaces, "kube-system").uid } catch {
      guard error.isForbidden || error.isNotFound else {
        throw DeployError(error, doing: "looking at the cluster of context \(client.access.contextName)")
      }
    }
    return identity(client.access, uid: uid)
  }

  static func identity(_ access: ClusterAccess, uid: String?) -> String {
    let authority = access.authorityFingerprint
    guard let uid else {
      // Behind a proxy's one address, the user may decide which cluster it is.
      return "\(access.server) sha256:\(Fingerprint.of("\(authority ?? "") \(access.routeFingerprint)"))"
    }
    // A cluster that was restored from another's backup has its UID. The system's authorities vouch for a name alone.
    return "\(uid) \(authority.map { "sha256:\($0)" } ?? "\(access.server)")"
  }

  enum Decision: Sendable, Hashable {
    /// Its nodes run here.
    case local(String)
    /// The user's consent is remembered, or given now.
    case allowed(String)
    /// The signs can be forged. The error is for a no, or if no one can be asked.
    case ask(question: String, reason: String, refusal: DeployError)
    case refused(DeployError)
  }

  static func decide(
    _ signs: NodeSigns, _ place: ServerAddress.Place, context: String, server: String, identity: String,
    isAllowed: Bool, known: String?
  ) -> Decision {
    if let known, known != identity, !isAllowed {
      return .refused(
        DeployError(
          .clusterChanged,
          "context \(context) points to another cluster than before (\(server): it is \(identity), and was \(known))",
          remedy: "If the cluster was recreated, or your rights or user have changed, confirm it with "
            + "--allow-context \(context)."))
    }
    if signs.areOnThisKernel { return .local("its nodes run on this machine\(signs.product.map { " (\($0))" } ?? "")") }
    if isAllowed || known != nil { return .allowed("context \(context) was allowed") }
    let remedy = "Choose a local cluster's context, or allow this one: --allow-context \(context)."
    guard let reason = reason(signs, place) else {
      return .refused(
        DeployError(
          .notLocal,
          "context \(context) points to \(server), which is not known to be on this machine: its nodes run elsewhere",
          remedy: remedy))
    }
    return .ask(
      question: "Deploy into context \(context) (\(server))? Its nodes do not run on this machine's kernel; \(reason).",
      reason: reason,
      refusal: DeployError(
        .notLocal, "context \(context) points to \(server), which only claims to be on this machine: \(reason)",
        remedy: remedy))
  }

  /// Lists the nodes; none for a user who may not see them: the context may still have been allowed.
  private static func nodes(_ client: KubeClient) async throws(KubeError) -> [JSONValue] {
    do { return try await client.list(.nodes, namespace: nil).items } catch {
      if error.isForbidden { return [] }
      throw error
    }
  }

  /// Returns the weak signs for a local cluster, in words.
  static func reason(_ signs: NodeSigns, _ place: ServerAddress.Place) -> String? {
    guard let product = signs.product, NodeSigns.workstationProducts.contains(product) else { return nil }
    switch place {
    case .loopback: return "it is \(product), and its API server is on this machine's loopback"
    case .onLink(let interface): return "it is \(product), and its API server is on this machine's network \(interface)"
    case .elsewhere: return nil
    }
  }
}
