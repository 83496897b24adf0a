import ControlAPI

/// The clusters that the daemon has met. Each keeps the identity that it was first seen with, so that it can be a key:
/// whichever context, address or user it is reached by, and whether or not that user may read the cluster's UID.
struct KnownClusters {
  private struct Cluster {
    /// A key, and the authority of all its places.
    var identity: ClusterIdentity
    var uid: String?
    /// How it has been reached.
    var places: [ClusterIdentity]

    func hasSameUID(as seen: ClusterIdentity) -> Bool {
      var own = identity
      own.uid = uid
      return own.hasSameUID(as: seen)
    }
  }

  private var clusters: [Cluster] = []

  /// The one identity of the cluster that was seen so.
  mutating func identity(of seen: ClusterIdentity) -> ClusterIdentity {
    if let index = index(of: seen, isAnswer: true) {
      clusters[index].uid = clusters[index].uid ?? seen.uid
      if !clusters[index].places.contains(where: { $0.hasSamePlace(as: seen) }) { clusters[index].places.append(seen) }
      return clusters[index].identity
    }
    clusters.append(Cluster(identity: seen, uid: seen.uid, places: [seen]))
    return seen
  }

  /// The one identity of a cluster that was seen so before, by its UID or else at this place. Nil where it was not, and
  /// where several clusters have had the place, one after the other or behind one proxy: then the server must say.
  func find(_ seen: ClusterIdentity) -> ClusterIdentity? {
    index(of: seen, isAnswer: false).map { clusters[$0].identity }
  }

  /// - Parameter isAnswer: the server has been asked, and had no more to say.
  private func index(of seen: ClusterIdentity, isAnswer: Bool) -> Int? {
    if seen.uid != nil, let index = clusters.firstIndex(where: { $0.hasSameUID(as: seen) }) { return index }
    let there = clusters.indices.filter { clusters[$0].places.contains { $0.hasSamePlace(as: seen) } }
    let named = there.filter { clusters[$0].uid != nil }
    if named.isEmpty || seen.uid == nil && named.count == 1 { return there.first }
    // Of the clusters at one place, the one that did not say which it is.
    return isAnswer && seen.uid == nil ? there.first { clusters[$0].uid == nil } : nil
  }
}
