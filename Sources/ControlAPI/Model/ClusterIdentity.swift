/// The identity of a cluster, however it is reached: the only notion of "the same cluster".
///
/// A context's name proves nothing: two kubeconfigs may use it for two clusters, and one cluster may have several
/// contexts and addresses.
public struct ClusterIdentity: Codable, Sendable, Hashable {
  /// The UID of the namespace `kube-system`; nil if the user may not read it.
  public var uid: String?
  /// The API server's URL; empty if even that is not known.
  public var server: String
  /// SHA-256 of the certificate authority; nil without one.
  public var authority: String?
  /// SHA-256 of other settings that may distinguish clusters behind one address: the kubeconfig's user,
  /// tls-server-name and proxy-url. Nil if an earlier version recorded the cluster.
  public var access: String?

  public init(uid: String? = nil, server: String, authority: String? = nil, access: String? = nil) {
    self.uid = uid
    self.server = server
    self.authority = authority
    self.access = access
  }

  /// A cluster of which nothing is known: it is the same as no other.
  public static let unknown = ClusterIdentity(server: "")

  /// True if both have one address and one certificate authority.
  public func hasSameAddress(as other: ClusterIdentity) -> Bool {
    !server.isEmpty && server == other.server && authority == other.authority
  }

  /// True if both are reached in the same way: all that a kubeconfig alone can show.
  public func hasSamePlace(as other: ClusterIdentity) -> Bool { hasSameAddress(as: other) && access == other.access }

  /// True if both have one UID, and one authority that vouches for it. A UID is no secret, and a cluster restored from
  /// another's backup has the same.
  public func hasSameUID(as other: ClusterIdentity) -> Bool {
    guard let uid, uid == other.uid else { return false }
    // The system's authorities vouch only for the server's name.
    return authority == nil ? hasSameAddress(as: other) : authority == other.authority
  }

  /// True if both are one cluster: by UID and certificate authority if both have a UID, else by their places.
  public func isSame(as other: ClusterIdentity) -> Bool {
    if uid != nil, other.uid != nil { return hasSameUID(as: other) }
    return hasSamePlace(as: other)
  }
}

/// One intercept among those of all clusters: the key of tables, waits, messages and the journal.
public struct InterceptID: Codable, Sendable, Hashable {
  public var cluster: ClusterIdentity
  public var namespace: String
  public var service: String

  public init(cluster: ClusterIdentity, namespace: String, service: String) {
    self.cluster = cluster
    self.namespace = namespace
    self.service = service
  }
}
