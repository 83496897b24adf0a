import ControlAPI

/// The clusters that the daemon has met. Each keeps its first identity, so that it can be a key: the context, address
/// or user by which it is reached do not matter, nor whether that user may read the cluster's UID.
struct KnownClusters {
  private struct Cluster {
    /// Serves as a key, and has the authority of all places.
    var identity: ClusterIdentity
    var uid: String?
    /// The ways in which it has been reached.
    var places: [ClusterIdentity]

    func hasSameUID(as seen: ClusterIdentity) -> Bool {
      var own = identity
      own.uid = uid
      return own.hasSameUID(as: seen)
    }
  }

  private var clusters: [Cluster] = []

  /// Returns the one identity of a cluster that was seen like this; a new cluster is added.
  mutating func identity(of seen: ClusterIdentity) -> ClusterIdentity {
    if let index = index(of: seen, isAnswer: true) {
      clusters[index].uid = clusters[index].uid ?? seen.uid
      if !clusters[index].places.contains(where: { $0.hasSamePlace(as: seen) }) { clusters[index].places.append(seen) }
      return clusters[index].identity
    }
    clusters.append(Cluster(identity: seen, uid: seen.uid, places: [seen]))
    return seen
  }

  /// Returns the one identity of a cluster that was seen like this before, by its UID or else by its place. Nil for a
  /// new one, and if several clusters have had the place, one after the other or behind one proxy: only the server can
  /// decide then.
  func find(_ seen: ClusterIdentity) -> ClusterIdentity? {
    index(of: seen, isAnswer: false).map { clusters[$0].identity }
  }

  /// - Parameter isAnswer: true if the server was asked, and said no more.
  private func index(of seen: ClusterIdentity, isAnswer: Bool) -> Int? {
    if seen.uid != nil, let index = clusters.firstIndex(where: { $0.hasSameUID(as: seen) }) { return index }
    let there = clusters.indices.filter { clusters[$0].places.contains { $0.hasSamePlace(as: seen) } }
    let named = there.filter { clusters[$0].uid != nil }
    if named.isEmpty || seen.uid == nil && named.count == 1 { return there.first }
    // Of the clusters at one place, take the one that gave no UID.
    return isAnswer && seen.uid == nil ? there.first { clusters[$0].uid == nil } : nil
  }
}
