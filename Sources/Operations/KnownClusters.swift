import ControlAPI

/// The clusters that the daemon has met. Each keeps the identity that it was first seen with, so that it can be a key:
/// whichever context, address or user it is reached by, and whether or not that user may read the cluster's UID.
struct KnownClusters {
  private struct Cluster {
    var identity: ClusterIdentity
    var uid: String?
    /// How it has been reached.
    var places: [ClusterIdentity]
  }

  private var clusters: [Cluster] = []

  /// The one identity of the cluster that was seen so.
  mutating func identity(of seen: ClusterIdentity) -> ClusterIdentity {
    if let uid = seen.uid, let index = clusters.firstIndex(where: { $0.uid == uid }) {
      if !clusters[index].places.contains(where: { $0.hasSamePlace(as: seen) }) { clusters[index].places.append(seen) }
      return clusters[index].identity
    }
    if let index = clusters.firstIndex(where: { $0.places.contains { $0.hasSamePlace(as: seen) } }) {
      guard let uid = seen.uid else { return clusters[index].identity }
      if clusters[index].uid == nil {
        clusters[index].uid = uid
        return clusters[index].identity
      }
      // Another cluster has the address by now: the former one was made anew, or it never was the same.
      clusters[index].places.removeAll { $0.hasSamePlace(as: seen) }
    }
    clusters.append(Cluster(identity: seen, uid: seen.uid, places: [seen]))
    return seen
  }

  /// The one identity of a cluster that was seen so before, by its UID or else at this place; nil where it was not.
  func find(_ seen: ClusterIdentity) -> ClusterIdentity? {
    if let uid = seen.uid, let known = clusters.first(where: { $0.uid == uid }) { return known.identity }
    let there = clusters.last { $0.places.contains { $0.hasSamePlace(as: seen) } }
    return there.flatMap { seen.uid == nil || $0.uid == nil ? $0.identity : nil }
  }
}
