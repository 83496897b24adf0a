import ControlAPI
import Testing

@testable import Operations

struct KnownClustersTests {
  private func seen(_ server: String, uid: String? = nil, authority: String? = "ca") -> ClusterIdentity {
    ClusterIdentity(uid: uid, server: server, authority: authority)
  }

  @Test("One cluster has one identity, whichever of its addresses it is reached at")
  func addresses() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a", uid: "1"))
    #expect(known.identity(of: seen("https://b", uid: "1")) == first)
    #expect(known.find(seen("https://b")) == first)
  }

  @Test("A user who may not read the UID reaches the same cluster")
  func unreadable() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a", uid: "1"))
    #expect(known.identity(of: seen("https://a")) == first)
    #expect(known.identity(of: seen("https://a", authority: "other")) != first)
    #expect(known.identity(of: seen("https://a", authority: nil)) != first)
  }

  @Test("The key stays what it was when somebody reads the UID later")
  func readLater() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a"))
    #expect(known.identity(of: seen("https://a", uid: "1")) == first)
    #expect(known.identity(of: seen("https://b", uid: "1")) == first)
  }

  @Test("A cluster that was made anew at the same address is another one")
  func madeAnew() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a", uid: "1"))
    let second = known.identity(of: seen("https://a", uid: "2"))
    #expect(first != second)
    #expect(known.find(seen("https://a")) == second)
    #expect(known.find(seen("https://a", uid: "1")) == first)
  }

  @Test("What nobody has met is not found, and what nothing is known of is no cluster")
  func unmet() {
    var known = KnownClusters()
    #expect(known.find(seen("https://a")) == nil)
    let nothing = known.identity(of: .unknown)
    #expect(known.find(.unknown) == nil)
    #expect(!nothing.isSame(as: .unknown))
  }
}
