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

  public init(uid: String? = nil, server: String, authority: String? = nil) {
    self.uid = uid
    self.server = server
    self.authority = authority
  }

  /// A cluster of which nothing is known: no other is the same.
  public static let unknown = ClusterIdentity(server: "")

  /// Whether both have one address and one certificate authority: what a kubeconfig alone can tell.
  public func hasSamePlace(as other: ClusterIdentity) -> Bool {
    !server.isEmpty && server == other.server && authority == other.authority
  }

  /// Whether both name one cluster: by their UIDs where both have one, else by address and certificate authority.
  public func isSame(as other: ClusterIdentity) -> Bool {
    if let uid, let theirs = other.uid { return uid == theirs }
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
