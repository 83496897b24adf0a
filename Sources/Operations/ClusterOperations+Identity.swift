import Agents
import ControlAPI
import Intercept
import KubeAPI

/// A cluster that has answered, with its identity.
struct ReachedCluster: Sendable {
  var client: KubeClient
  var identity: ClusterIdentity

  /// The namespace that a command means.
  var namespace: String { client.access.namespace }
  /// The kubeconfig's name for it.
  var context: String { client.access.contextName }
}

extension ClusterOperations {
  /// Asks a cluster for its identity.
  func identify(_ client: KubeClient, _ cluster: ClusterSelection) async throws(KubeError) -> ClusterIdentity {
    var seen = ClusterIdentity(client.access, bastion: cluster.bastion)
    seen.uid = try await client.clusterUID()
    return known.identity(of: seen)
  }

  /// Returns the identity of the cluster that a choice names, without asking a known one: an absent cluster can still
  /// be named.
  func identity(naming cluster: ClusterSelection) async throws(ControlError) -> ClusterIdentity {
    let client: KubeClient
    do throws(ControlError) {
      client = try open(cluster)
    } catch {
      // The kubeconfig may have been changed since.
      let named = interceptions.filter {
        $0.request.cluster.context == cluster.context && $0.request.cluster.kubeconfig == cluster.kubeconfig
      }
      guard let context = cluster.context, let first = named.first?.id.cluster else { throw error }
      guard named.allSatisfy({ $0.id.cluster == first }) else {
        throw ControlError(
          .badInput,
          "context \(context) has referred to several clusters, and cannot be read now: \(error.message)",
          remedy: "Correct the kubeconfig, or leave without --context: --all leaves every intercept.")
      }
      return first
    }
    if let identity = known.find(ClusterIdentity(client.access, bastion: cluster.bastion)) { return identity }
    return try await reach(cluster).identity
  }

  /// Returns the cluster of a journal's entry, even while it is away; for an entry that does not name it, the cluster
  /// that its kubeconfig names now.
  func identity(of entry: Journal.Entry) -> ClusterIdentity? { seen(entry).map { known.find($0) ?? $0 } }

  /// Returns the recorded identity of an entry's cluster; what a former format lacks is read from the kubeconfig.
  func seen(_ entry: Journal.Entry) -> ClusterIdentity? {
    var place = entry.identity
    if place?.access == nil, let client = try? open(entry.cluster) {
      let now = ClusterIdentity(client.access, bastion: entry.cluster.bastion)
      if place == nil { place = now }
      if place?.hasSameAddress(as: now) == true { place?.access = now.access }
    }
    return place
  }

  /// Reaches the cluster of a shell whose daemon died.
  /// - Throws: if its context refers to another cluster now: the shell's command has the former one's environment and
  ///   Secrets.
  func reach(_ cluster: ClusterSelection, again former: ClusterIdentity?) async throws(ControlError) -> ReachedCluster {
    guard let former else {
      throw ControlError(
        .conflict, "an earlier version opened the shell, and did not record its cluster", remedy: "Open a new one.")
    }
    let there = try await reach(cluster)
    guard known.find(former) ?? former == there.identity else {
      throw ControlError(
        .conflict, "context \(there.context) refers to another cluster than the shell's", remedy: "Open a new one.")
    }
    return there
  }

  /// Checks whether an entry is about something that this daemon holds now, or is ending.
  func isHeld(_ entry: Journal.Entry) -> Bool {
    let id = InterceptID(cluster: identity(of: entry) ?? .unknown, namespace: entry.namespace, service: entry.service)
    if (interceptions + closing.values.map(\.interception)).contains(where: { $0.id == id }) { return true }
    return (gateways.values.map(\.entry) + shellAgents.values.map(\.entry)).contains { $0.isSame(as: entry) }
  }
}

extension ClusterIdentity {
  /// Reads the identity from a kubeconfig: address, certificate authority, and other fields that may select another
  /// cluster behind that address.
  init(_ access: ClusterAccess, bastion: BastionSelection?) {
    let authority = access.authorityFingerprint
    // Behind two SSH hosts, https://127.0.0.1:6443 is two clusters.
    let way = authority == nil ? bastion.flatMap { $0.url ?? $0.byContext[access.contextName] } : nil
    self.init(
      server: "\(access.server)" + (way.map { " through \($0)" } ?? ""), authority: authority,
      access: access.routeFingerprint)
  }
}

extension KubeClient {
  /// Returns the UID of the namespace `kube-system`, which no two clusters share; nil for a user who may not read it.
  func clusterUID() async throws(KubeError) -> String? {
    do throws(KubeError) {
      return try await get(.namespaces, "kube-system").uid
    } catch {
      guard error.isForbidden || error.isNotFound else { throw error }
      return nil
    }
  }
}
