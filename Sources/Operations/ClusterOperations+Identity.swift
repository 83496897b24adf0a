import Agents
import ControlAPI
import Intercept
import KubeAPI

/// A cluster that has answered, and which one it is.
struct ReachedCluster: Sendable {
  var client: KubeClient
  var identity: ClusterIdentity

  /// The namespace that a command means.
  var namespace: String { client.access.namespace }
  /// The kubeconfig's name for it.
  var context: String { client.access.contextName }
}

extension ClusterOperations {
  /// Which cluster a client leads to, as it says itself.
  func identify(_ client: KubeClient, _ cluster: ClusterSelection) async throws(KubeError) -> ClusterIdentity {
    var seen = ClusterIdentity(client.access, bastion: cluster.bastion)
    seen.uid = try await client.clusterUID()
    return known.identity(of: seen)
  }

  /// Which cluster a choice names, without asking it where it is known: a cluster that is away can still be named.
  func identity(naming cluster: ClusterSelection) async throws(ControlError) -> ClusterIdentity {
    let client: KubeClient
    do throws(ControlError) {
      client = try open(cluster)
    } catch {
      // The kubeconfig may have been changed since.
      let same = interceptions.first {
        $0.request.cluster.context == cluster.context && $0.request.cluster.kubeconfig == cluster.kubeconfig
      }
      guard cluster.context != nil, let same else { throw error }
      return same.id.cluster
    }
    if let identity = known.find(ClusterIdentity(client.access, bastion: cluster.bastion)) { return identity }
    return try await reach(cluster).identity
  }

  /// The cluster that a journal's entry is about, also while it is away; of an entry that does not name it, what its
  /// kubeconfig says now.
  func identity(of entry: Journal.Entry) -> ClusterIdentity? {
    let place =
      entry.identity ?? (try? open(entry.cluster)).map { ClusterIdentity($0.access, bastion: entry.cluster.bastion) }
    return place.map { known.find($0) ?? $0 }
  }
}

extension ClusterIdentity {
  /// As a kubeconfig names it: address and certificate authority.
  init(_ access: ClusterAccess, bastion: BastionSelection?) {
    let authority = access.certificateAuthority.map {
      AgentNames.checksum(String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace })
    }
    // Behind two SSH hosts, https://127.0.0.1:6443 is two clusters.
    let way = authority == nil ? bastion.flatMap { $0.url ?? $0.byContext[access.contextName] } : nil
    self.init(server: "\(access.server)" + (way.map { " through \($0)" } ?? ""), authority: authority)
  }
}

extension KubeClient {
  /// The UID of the namespace `kube-system`, which no two clusters share; nil for a user who may not read it.
  func clusterUID() async throws(KubeError) -> String? {
    do throws(KubeError) {
      return try await get(.namespaces, "kube-system").uid
    } catch {
      guard error.isForbidden || error.isNotFound else { throw error }
      return nil
    }
  }
}
