import Agents
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept
@testable import Operations

/// Two clusters with the same namespace, Service and gateway: every command takes the one that was named.
@Suite(.timeLimit(.minutes(2))) struct TwoClustersTests {
  /// - Parameter contexts: their names in the kubeconfigs.
  private func with(
    _ contexts: (String, String) = ("a", "b"),
    _ body: @Sendable @escaping (_ a: PocketCluster, _ b: PocketCluster, TestDaemon) async throws -> Void
  ) async throws {
    try await PocketCluster.run(contexts.0, contexts.1) { clusters in
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      try await body(clusters[0], clusters[1], daemon)
      _ = await daemon.operations.shutDown { _ in }
    }
  }

  @Test("leave --context leaves in that cluster alone, and without it says what to choose by")
  func leaving() async throws {
    try await with { a, b, daemon in
      let both = [a, b]
      try await daemon.stand(in: a, as: a.selection(among: both))
      try await daemon.stand(in: b, as: b.selection(among: both))
      let ambiguous = await #expect(throws: ControlError.self) {
        _ = try await daemon.operations.leave(LeaveRequest(service: "web")) { _ in }
      }
      #expect(ambiguous?.code == .badInput && ambiguous?.remedy?.contains("--context") == true)

      let left = try await daemon.operations.leave(LeaveRequest(cluster: b.selection(among: both), service: "web")) {
        _ in
      }
      #expect(left.map(\.context) == ["b"])
      #expect(try await b.isItself())
      #expect(try await !a.isItself())
      #expect(await daemon.operations.status().intercepts.map(\.context) == ["a"])
      try await eventually("only a's entry is left") { try daemon.journal().map(\.cluster.context) == ["a"] }

      let nothing = await #expect(throws: ControlError.self) {
        _ = try await daemon.operations.leave(LeaveRequest(cluster: b.selection(among: both), service: "web")) { _ in }
      }
      #expect(nothing?.code == .notFound)
    }
  }

  @Test("Two kubeconfigs may use one name for two clusters")
  func oneName() async throws {
    try await with(("kind", "kind")) { a, b, daemon in
      try await daemon.stand(in: a)
      try await daemon.stand(in: b)
      let ambiguous = await #expect(throws: ControlError.self) {
        _ = try await daemon.operations.leave(LeaveRequest(service: "web")) { _ in }
      }
      #expect(ambiguous?.remedy == "Choose with --kubeconfig.")
      _ = try await daemon.operations.leave(LeaveRequest(cluster: b.selection(), service: "web")) { _ in }
      #expect(try await b.isItself())
      #expect(try await !a.isItself())
    }
  }

  @Test("restore in one cluster leaves the other's entries in the journal")
  func restoring() async throws {
    try await with { a, b, daemon in
      try await daemon.stand(in: b)
      let report = try await daemon.operations.restore(RestoreRequest(cluster: a.selection(), force: true)) { _ in }
      #expect(report == RestoreReport())
      #expect(try daemon.journal().map(\.cluster.context) == ["b"])
      #expect(try await !b.isItself())
      #expect(await daemon.operations.status().intercepts.count == 1)

      let theirs = try await daemon.operations.restore(RestoreRequest(cluster: b.selection(), force: true)) { _ in }
      #expect(theirs.done == ["Service shop/web has been left"])
      #expect(try daemon.journal().isEmpty)
      #expect(try await b.isItself())
    }
  }

  @Test("A context that belongs to another cluster by the next daemon's time: nothing of that one is undone")
  func ledAstray() async throws {
    try await with(("c", "c")) { a, b, daemon in
      try await daemon.stand(in: a)
      // Another holder's in b, which has the same names.
      let other = try TestDaemon(holder: "bob@desk")
      defer { other.remove() }
      try await other.stand(in: b)
      let text = try String(contentsOfFile: a.kubeconfig, encoding: .utf8)
      try FileManager.default.removeItem(atPath: a.kubeconfig)
      try FileManager.default.copyItem(atPath: b.kubeconfig, toPath: a.kubeconfig)

      let next = try TestDaemon(folder: daemon.folder)
      await next.operations.recover()
      #expect(try await !b.isItself())
      #expect(try await !a.isItself())
      let staying = try #require(await next.operations.status().intercepts.first)
      #expect(staying.message?.contains("context c refers to another cluster now") == true)
      #expect(try next.journal().count == 1)

      try text.write(toFile: a.kubeconfig, atomically: true, encoding: .utf8)
      let third = try TestDaemon(folder: daemon.folder)
      await third.operations.recover()
      #expect(try await a.isItself())
      #expect(try third.journal().isEmpty)
      #expect(try await !b.isItself())
      _ = await other.operations.shutDown { _ in }
    }
  }

  @Test("Only restore --yes forgets an entry whose cluster no context reaches")
  func forgetting() async throws {
    try await with(("c", "c")) { a, b, daemon in
      try await daemon.stand(in: a)
      try FileManager.default.removeItem(atPath: a.kubeconfig)
      try FileManager.default.copyItem(atPath: b.kubeconfig, toPath: a.kubeconfig)
      let next = try TestDaemon(folder: daemon.folder)
      await next.operations.recover()
      _ = try await next.operations.restore(RestoreRequest(cluster: a.selection())) { _ in }
      #expect(try next.journal().count == 1)
      let report = try await next.operations.restore(RestoreRequest(cluster: a.selection(), force: true)) { _ in }
      #expect(report.done.first?.hasPrefix("the journal no longer names shop/web") == true)
      #expect(try next.journal().isEmpty)
      #expect(await next.operations.status().intercepts.isEmpty)
    }
  }

  @Test("restore --yes does not forget what another kubeconfig's context of the same name leads to")
  func oneNameRestored() async throws {
    try await with(("default", "default")) { a, b, daemon in
      try await daemon.stand(in: b)
      // One that an earlier daemon left in b, while b is away.
      var gone = try #require(try daemon.journal().first)
      gone.service = "web-alt"
      try await daemon.operations.note(gone)
      let report = try await daemon.operations.restore(RestoreRequest(cluster: a.selection(), force: true)) { _ in }
      #expect(report == RestoreReport())
      #expect(try daemon.journal().map(\.service).sorted() == ["web", "web-alt"])
    }
  }

  @Test("restore --yes does not forget what the daemon holds itself, where its context leads elsewhere by now")
  func ledAstrayWhileHeld() async throws {
    try await with(("c", "c")) { a, b, daemon in
      let intercept = try await daemon.stand(in: a)
      let there = try await daemon.operations.reach(a.selection())
      _ = try await daemon.operations.gatewayLink(there, a.selection(), image: "web:1") { _ in }
      try FileManager.default.removeItem(atPath: a.kubeconfig)
      try FileManager.default.copyItem(atPath: b.kubeconfig, toPath: a.kubeconfig)
      let report = try await daemon.operations.restore(RestoreRequest(cluster: a.selection(), force: true)) { _ in }
      #expect(report == RestoreReport())
      #expect(try daemon.journal().count == 2)
      #expect(try await !a.isItself())
      _ = try await daemon.operations.leave(LeaveRequest(intercept.id)) { _ in }
      #expect(try await a.isItself())
    }
  }

  @Test("leave --context with a kubeconfig that is gone chooses none of two clusters that the context led to")
  func ledAstrayAndGone() async throws {
    try await with(("c", "c")) { a, b, daemon in
      try await daemon.stand(in: a)
      try FileManager.default.removeItem(atPath: a.kubeconfig)
      try FileManager.default.copyItem(atPath: b.kubeconfig, toPath: a.kubeconfig)
      try await daemon.stand(in: b, as: a.selection())
      try FileManager.default.removeItem(atPath: a.kubeconfig)
      let error = await #expect(throws: ControlError.self) {
        _ = try await daemon.operations.leave(LeaveRequest(cluster: a.selection(), service: "web")) { _ in }
      }
      #expect(error?.code == .badInput)
      #expect(try await !a.isItself())
      #expect(try await !b.isItself())
    }
  }

  @Test("A shell goes on in its own cluster alone")
  func shellLedAstray() async throws {
    try await with(("c", "c")) { a, b, daemon in
      let there = try await daemon.operations.reach(a.selection())
      let next = try TestDaemon(folder: daemon.folder)
      let again = try await next.operations.reach(a.selection(), again: there.identity)
      #expect(again.identity == there.identity)
      let former = await #expect(throws: ControlError.self) {
        try await next.operations.reach(a.selection(), again: nil)
      }
      #expect(former?.code == .conflict)

      try FileManager.default.removeItem(atPath: a.kubeconfig)
      try FileManager.default.copyItem(atPath: b.kubeconfig, toPath: a.kubeconfig)
      let error = await #expect(throws: ControlError.self) {
        try await next.operations.reach(a.selection(), again: there.identity)
      }
      #expect(error?.code == .conflict)
    }
  }

  /// Two clusters as they are seen, each with a gateway that must not be the other's.
  private func expectTwoGateways(
    _ a: (PocketCluster, ClusterIdentity), _ b: (PocketCluster, ClusterIdentity), _ daemon: TestDaemon
  ) async throws {
    let operations = daemon.operations
    let inA = ReachedCluster(client: a.0.client, identity: await operations.meet(a.1))
    let inB = ReachedCluster(client: b.0.client, identity: await operations.meet(b.1))
    let first = try await operations.gatewayLink(inA, a.0.selection(), image: "web:1") { _ in }
    let second = try await operations.gatewayLink(inB, b.0.selection(), image: "web:1") { _ in }
    #expect(first !== second)
    let agents = try daemon.journal().filter(\.service.isEmpty)
    #expect(agents.map(\.cluster.context) == ["a", "b"])
    for (cluster, link) in [(a.0, first), (b.0, second)] {
      let name = AgentNames.base(link.identity.workload)
      #expect(try await cluster.client.find(.deployments, name, namespace: "shop") != nil)
    }
  }

  @Test("Two clusters behind one URL, whose UIDs may not be read, are distinguished by the kubeconfig's user")
  func oneURL() async throws {
    try await with { a, b, daemon in
      // A proxy with one certificate authority.
      let seenA = ClusterIdentity(a.client.access, bastion: nil)
      var access = b.client.access
      access.server = a.client.access.server
      access.certificateAuthority = a.client.access.certificateAuthority
      try await expectTwoGateways((a, seenA), (b, ClusterIdentity(access, bastion: nil)), daemon)
    }
  }

  @Test("A cluster with another's UID, from its backup or by a lie, has another certificate authority")
  func oneUID() async throws {
    try await with { a, b, daemon in
      var claim = ClusterIdentity(b.client.access, bastion: nil)
      claim.uid = try await a.client.clusterUID()
      #expect(claim.uid != nil)
      let (intercepted, there) = (try await daemon.stand(in: a), try await daemon.operations.reach(a.selection()))
      #expect(await daemon.operations.meet(claim) != there.identity)
      try await expectTwoGateways((a, there.identity), (b, claim), daemon)
      #expect(await daemon.operations.status().intercepts.map(\.id) == [intercepted.id])
    }
  }

  /// As it was before entries named their cluster.
  private func makeFormer(_ path: String) throws {
    let entries = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))))
    let former = entries.elements.map { entry in
      var entry = entry
      entry["identity"] = nil
      return entry
    }
    try Data(JSONValue(former).serialized()).write(to: URL(filePath: path))
  }

  @Test("A journal of the former format is undone in its context's cluster")
  func formerJournal() async throws {
    try await with { a, b, daemon in
      try await daemon.stand(in: a)
      try await daemon.stand(in: b)
      try makeFormer(daemon.journalPath)
      let next = try TestDaemon(folder: daemon.folder)
      #expect(try next.journal().map(\.identity) == [nil, nil])
      await next.operations.recover()
      #expect(try next.journal().isEmpty)
      #expect(try await a.isItself())
      #expect(try await b.isItself())
    }
  }

  @Test(
    "While its cluster is away, an entry of the former format gets the cluster's address and authority, and keeps them")
  func formerJournalOffline() async throws {
    let daemon = try TestDaemon()
    defer { daemon.remove() }
    try await PocketCluster.run("a") { clusters in
      // A copy that outlives the cluster.
      let kubeconfig = daemon.folder + "/kubeconfig"
      try FileManager.default.copyItem(atPath: clusters[0].kubeconfig, toPath: kubeconfig)
      try await daemon.stand(
        in: clusters[0], as: ClusterSelection(kubeconfig: [kubeconfig], context: "a", namespace: "shop"))
    }
    try makeFormer(daemon.journalPath)
    let next = try TestDaemon(folder: daemon.folder)
    await next.operations.recover()
    let entry = try #require(try next.journal().first)
    #expect(entry.identity?.server.hasPrefix("https://127.0.0.1:") == true)
    #expect(entry.identity?.authority != nil)
    #expect(await next.operations.status().intercepts.first?.message?.contains("not undone") == true)
    #expect(await next.operations.status().intercepts.first?.context == "a")
  }

  @Test("Gateways in two clusters are two, and each goes with its own entry")
  func gateways() async throws {
    try await with { a, b, daemon in
      let operations = daemon.operations
      let (inA, inB) = (try await operations.reach(a.selection()), try await operations.reach(b.selection()))
      let first = try await operations.gatewayLink(inA, a.selection(), image: "web:1") { _ in }
      let second = try await operations.gatewayLink(inB, b.selection(), image: "web:1") { _ in }
      #expect(first !== second)
      #expect(first.identity.workload != second.identity.workload)
      #expect(try await operations.gatewayLink(inA, a.selection(), image: "web:1") { _ in } === first)
      #expect(try daemon.journal().map(\.cluster.context) == ["a", "b"])

      // A daemon that was killed brings nothing back.
      await first.stop()
      await second.stop()
      // The next daemon's recovery: the gateway in b says nothing about the one in a.
      let next = try TestDaemon(folder: daemon.folder)
      let again = try await next.operations.reach(b.selection())
      _ = try await next.operations.gatewayLink(again, b.selection(), image: "web:1") { _ in }
      await next.operations.recover()
      let (ofA, ofB) = (AgentNames.base(first.identity.workload), AgentNames.base(second.identity.workload))
      #expect(try await a.client.find(.deployments, ofA, namespace: "shop") == nil)
      #expect(try await b.client.find(.deployments, ofB, namespace: "shop") != nil)
      #expect(try next.journal().map(\.cluster.context) == ["b"])
      _ = await next.operations.shutDown { _ in }
    }
  }

  @Test("A gateway that nothing uses for a time goes, with its entry; the next forward gets a new one")
  func idleGateway() async throws {
    try await with { a, _, _ in
      let daemon = try TestDaemon(gatewayIdle: .milliseconds(300))
      defer { daemon.remove() }
      let operations = daemon.operations
      let there = try await operations.reach(a.selection())
      let first = try await operations.gatewayLink(there, a.selection(), image: "web:1") { _ in }
      let name = AgentNames.base(first.identity.workload)
      for _ in 0..<300 where await !operations.gateways.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      for _ in 0..<300 where try !daemon.journal().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      #expect(try await a.client.find(.deployments, name, namespace: "shop") == nil)
      #expect(try daemon.journal().isEmpty)
      let second = try await operations.gatewayLink(there, a.selection(), image: "web:1") { _ in }
      #expect(second !== first)
      _ = await operations.shutDown { _ in }
    }
  }

  @Test("One cluster by another address, context and user is the same cluster")
  func aliases() async throws {
    try await with { a, _, daemon in
      try await daemon.stand(in: a)
      let text = try String(contentsOfFile: a.kubeconfig, encoding: .utf8)
      let alias = daemon.folder + "/alias"
      try text.replacing("https://127.0.0.1:", with: "https://localhost:").replacing(": a\n", with: ": alias\n")
        .write(toFile: alias, atomically: true, encoding: .utf8)
      let other = ClusterSelection(kubeconfig: [alias], context: "alias", namespace: "shop")
      let seen = try await daemon.operations.reach(other)
      #expect(try await seen.identity == daemon.operations.reach(a.selection()).identity)

      let limited = daemon.folder + "/limited"
      let user = try #require(text.range(of: "  user:\n"))
      try (text[..<user.upperBound] + "    token: \(PocketCluster.limitedToken)\n").write(
        toFile: limited, atomically: true, encoding: .utf8)
      let selection = ClusterSelection(kubeconfig: [limited], context: "a", namespace: "shop")
      #expect(try await daemon.operations.open(selection).clusterUID() == nil)
      #expect(try await daemon.operations.reach(selection).identity == seen.identity)

      _ = try await daemon.operations.leave(LeaveRequest(cluster: other, service: "web")) { _ in }
      #expect(try await a.isItself())
    }
  }
}
