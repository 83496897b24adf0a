import Agents
import ControlAPI
import Foundation
import KubeAPI
import Testing

@testable import Operations

struct KnownClustersTests {
  private func seen(
    _ server: String, uid: String? = nil, authority: String? = "ca", access: String? = "user"
  ) -> ClusterIdentity {
    ClusterIdentity(uid: uid, server: server, authority: authority, access: access)
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

  @Test("The key stays what it was when someone reads the UID later")
  func readLater() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a"))
    #expect(known.identity(of: seen("https://a", uid: "1")) == first)
    #expect(known.identity(of: seen("https://b", uid: "1")) == first)
  }

  @Test("A cluster that was made again at the same address is another one")
  func madeAnew() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://a", uid: "1"))
    let second = known.identity(of: seen("https://a", uid: "2"))
    #expect(first != second)
    #expect(known.find(seen("https://a", uid: "1")) == first)
    #expect(known.find(seen("https://a", uid: "2")) == second)
    #expect(known.find(seen("https://a")) == nil, "the server must be asked")
  }

  @Test("Clusters behind one URL are distinguished by the kubeconfig's user, also where no one may read their UIDs")
  func oneURL() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://proxy", access: "a"))
    let second = known.identity(of: seen("https://proxy", access: "b"))
    #expect(first != second)
    #expect(!first.isSame(as: second))
    #expect(known.find(seen("https://proxy", access: "a")) == first)
    #expect(known.find(seen("https://proxy", access: "b")) == second)
    #expect(known.find(seen("https://proxy", access: "c")) == nil)
  }

  @Test("A place that two UIDs have had decides nothing, in any order")
  func onePlace() {
    var known = KnownClusters()
    let first = known.identity(of: seen("https://proxy", uid: "1"))
    let second = known.identity(of: seen("https://proxy", uid: "2"))
    #expect(known.identity(of: seen("https://proxy", uid: "1")) == first)
    #expect(known.find(seen("https://proxy")) == nil)
    let unsaid = known.identity(of: seen("https://proxy"))
    #expect(unsaid != first && unsaid != second)
    #expect(known.identity(of: seen("https://proxy")) == unsaid)
    #expect(known.find(seen("https://proxy")) == nil)
    #expect(known.identity(of: seen("https://proxy", uid: "2")) == second)
    #expect(known.identity(of: seen("https://proxy", uid: "3")) != unsaid)
  }

  @Test("Two users of one cluster reach the same, where both may read its UID")
  func twoUsers() {
    var known = KnownClusters()
    let admin = known.identity(of: seen("https://a", uid: "1", access: "admin"))
    #expect(known.identity(of: seen("https://a", uid: "1", access: "dev")) == admin)
    #expect(known.find(seen("https://a", access: "dev")) == admin)
  }

  @Test("A UID counts with the authority that vouches for it: a cluster from another's backup has the same UID")
  func restored() {
    var known = KnownClusters()
    let live = known.identity(of: seen("https://live", uid: "1", authority: "live"))
    let staging = known.identity(of: seen("https://staging", uid: "1", authority: "staging"))
    #expect(live != staging)
    #expect(!live.isSame(as: staging))
    #expect(known.find(seen("https://live", authority: "live")) == live)
    #expect(known.identity(of: seen("https://staging", uid: "1", authority: "staging")) == staging)
    // The system's authorities vouch for names.
    let open = known.identity(of: seen("https://x", uid: "1", authority: nil))
    #expect(![live, staging, known.identity(of: seen("https://y", uid: "1", authority: nil))].contains(open))
    #expect(known.identity(of: seen("https://x", uid: "1", authority: nil, access: "other")) == open)
  }

  /// A context's place, of a kubeconfig with these parts of its cluster and user.
  private func place(cluster: String = "", user: String = "token: t", name: String = "dev") throws -> ClusterIdentity {
    let text = """
      apiVersion: v1
      kind: Config
      clusters: [{name: c, cluster: {server: "https://proxy", \(cluster)}}]
      users: [{name: \(name), user: {\(user)}}]
      contexts: [{name: c, context: {cluster: c, user: \(name)}}]
      """
    let file = FileManager.default.temporaryDirectory.path + "/known-clusters-" + UUID().uuidString
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    return ClusterIdentity(try ClusterAccess.load(kubeconfig: file), bastion: nil)
  }

  @Test("A setting that chooses a cluster behind a proxy makes another place, and a renewed credential does not")
  func places() throws {
    func plugin(_ argument: String) -> String {
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: tsh, args: [kube, \(argument)]}"
    }
    let all = [
      try place(), try place(name: "admin"), try place(cluster: "tls-server-name: a"),
      try place(cluster: "tls-server-name: b"), try place(cluster: "proxy-url: 'http://a'"),
      try place(cluster: "proxy-url: 'http://b'"), try place(user: plugin("--kube-cluster=a")),
      try place(user: plugin("--kube-cluster=b")),
    ]
    #expect(Set(all).count == all.count)
    #expect(Set(all.map(\.server)).count == 1)
    #expect(try place(user: "token: another") == place())
    let proxies = ["a:1@", "a:2@", ""].map { "proxy-url: 'http://\($0)proxy:3128'" }
    #expect(try place(cluster: proxies[0]) == place(cluster: proxies[1]))
  }

  @Test("An identity that an earlier version wrote is read")
  func former() throws {
    let text = #"{"server": "https://a", "authority": "ca", "uid": "1"}"#
    let former = try JSONDecoder().decode(ClusterIdentity.self, from: Data(text.utf8))
    #expect(former.access == nil)
    var known = KnownClusters()
    _ = known.identity(of: former)
    #expect(known.identity(of: seen("https://a", uid: "1")) == former)
  }

  @Test("An unknown cluster is not found, and an entry without facts is no cluster")
  func unmet() {
    var known = KnownClusters()
    #expect(known.find(seen("https://a")) == nil)
    let nothing = known.identity(of: .unknown)
    #expect(known.find(.unknown) == nil)
    #expect(!nothing.isSame(as: .unknown))
  }

  @Test("A certificate authority whose 32-bit checksum is another's is another cluster's")
  func imitated() throws {
    let texts = ["payment-reconciliation-service-ouxesizpdo", "payment-reconciliation-service-bvhekcykvu"]
    #expect(AgentNames.checksum(texts[0]) == AgentNames.checksum(texts[1]))
    func seen(authority: String, user: String = "alice") throws -> ClusterIdentity {
      var access = ClusterAccess(
        server: try #require(ServerURL("https://c:6443")), certificateAuthority: Array(authority.utf8))
      access.user = [user]
      var identity = ClusterIdentity(access, bastion: nil)
      identity.uid = "u"
      return identity
    }
    #expect(try !seen(authority: texts[0]).isSame(as: seen(authority: texts[1])))
    #expect(try seen(authority: "a\nb").isSame(as: seen(authority: " a b\n")), "white space is none of it")
    #expect(
      try seen(authority: "a", user: texts[0]).access != seen(authority: "a", user: texts[1]).access)
  }
}
