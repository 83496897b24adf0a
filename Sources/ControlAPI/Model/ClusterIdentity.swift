/// One cluster, however it is reached: the only notion of "the same cluster".
///
/// A context's name proves nothing: two kubeconfigs may use it for two clusters, and one cluster may have several
/// contexts and addresses.
public struct ClusterIdentity: Codable, Sendable, Hashable {
  /// The UID of the namespace `kube-system`; nil where the user may not read it.
  public var uid: String?
  /// The API server's URL; empty where even that is not known.
  public var server: String
  /// A check sum of the certificate authority; nil without one.
  public var authority: String?
  /// A check sum of what else may tell clusters behind one address apart: the kubeconfig's user, tls-server-name and
  /// proxy-url. Nil where an earlier version noted the cluster.
  public var access: String?

  public init(uid: String? = nil, server: String, authority: String? = nil, access: String? = nil) {
    self.uid = uid
    self.server = server
    self.authority = authority
    self.access = access
  }

  /// A cluster of which nothing is known: no other is the same.
  public static let unknown = ClusterIdentity(server: "")

  /// True if both have one address and one certificate authority.
  public func hasSameAddress(as other: ClusterIdentity) -> Bool {
    !server.isEmpty && server == other.server && authority == other.authority
  }

  /// True if both are reached in one way: all that a kubeconfig alone can tell.
  public func hasSamePlace(as other: ClusterIdentity) -> Bool { hasSameAddress(as: other) && access == other.access }

  /// True if both have one UID, and one authority that vouches for it. A UID is no secret, and a cluster that was
  /// restored from another's backup has the same.
  public func hasSameUID(as other: ClusterIdentity) -> Bool {
    guard let uid, uid == other.uid else { return false }
    // The system's authorities vouch for the server's name alone.
    return authority == nil ? hasSameAddress(as: other) : authority == other.authority
  }

  /// True if both name one cluster: by UID and certificate authority where both have a UID, else by their places.
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
