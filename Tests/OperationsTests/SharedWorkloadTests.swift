import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept
@testable import Operations

/// Two Services of one workload share its agent: one person may have both, two people may not.
@Suite(.timeLimit(.minutes(3))) struct SharedWorkloadTests {
  private func with(
    _ body: @Sendable @escaping (PocketCluster, _ alice: TestDaemon, _ bob: TestDaemon) async throws -> Void
  ) async throws {
    try await PocketCluster.run("a") { clusters in
      let (alice, bob) = (try TestDaemon(), try TestDaemon(holder: "bob@desk"))
      defer {
        alice.remove()
        bob.remove()
      }
      let audit = try await Audit(clusters[0])
      try await body(clusters[0], alice, bob)
      for daemon in [alice, bob] { #expect(await daemon.operations.shutDown { _ in }.isEmpty) }
      for service in ["web", "web-alt"] { #expect(try await clusters[0].isItself(service)) }
      #expect(try await clusters[0].agent() == nil)
      #expect(try await clusters[0].leases() == [])
      #expect(try await audit.violations() == [])
    }
  }

  private func states(_ daemon: TestDaemon) async -> [String: InterceptReport.State] {
    Dictionary(uniqueKeysWithValues: await daemon.operations.status().intercepts.map { ($0.service, $0.state) })
  }

  private func areActive(_ services: Set<String>, _ daemon: TestDaemon) async -> Bool {
    let states = await states(daemon)
    return Set(states.keys) == services && states.values.allSatisfy { $0 == .active }
  }

  @Test("Both are active; leaving one leaves the other alone", arguments: [["web", "web-alt"], ["web-alt", "web"]])
  func both(order: [String]) async throws {
    try await with { cluster, alice, _ in
      try await alice.stand("web", in: cluster)
      let agent = try #require(try await cluster.agent()?.uid)
      try await alice.stand("web-alt", in: cluster)
      try await eventually("both are active") { await areActive(["web", "web-alt"], alice) }
      for service in order { #expect(try await !cluster.isItself(service)) }
      #expect(try await cluster.agent()?.uid == agent)
      #expect(try alice.journal().count == 2)

      _ = try await alice.operations.leave(LeaveRequest(service: order[0])) { _ in }
      #expect(try await cluster.isItself(order[0]))
      try await eventually("its entry is gone") { try alice.journal().map(\.service) == [order[1]] }
      #expect(try await !cluster.isItself(order[1]))
      #expect(await areActive([order[1]], alice))
      #expect(try await cluster.agent()?.uid == agent)
      #expect(try await cluster.leases().count == 1)

      // And again, at once.
      try await alice.stand(order[0], in: cluster)
      try await eventually("both are active again") { await areActive(["web", "web-alt"], alice) }
      _ = try await alice.operations.leave(LeaveRequest(service: order[0])) { _ in }
      _ = try await alice.operations.leave(LeaveRequest(service: order[1])) { _ in }
      try await eventually("the agent is gone") { try await cluster.agent() == nil }
      try await eventually("the journal is empty") { try alice.journal().isEmpty }
      try await eventually("the Lease is gone") { try await cluster.leases().isEmpty }
    }
  }

  @Test("Both at once, and both left at once")
  func atOnce() async throws {
    try await with { cluster, alice, _ in
      async let first = alice.stand("web", in: cluster)
      async let second = alice.stand("web-alt", in: cluster)
      _ = try await (first, second)
      try await eventually("both are active") { await areActive(["web", "web-alt"], alice) }
      let identity = await alice.identity
      #expect(await cluster.owners() == [identity])
      _ = try await alice.operations.leave(LeaveRequest(all: true)) { _ in }
      for service in ["web", "web-alt"] { #expect(try await cluster.isItself(service)) }
      try await eventually("the agent is gone") { try await cluster.agent() == nil }
      try await eventually("the journal is empty") { try alice.journal().isEmpty }
    }
  }

  @Test("An agent without readiness gives both back, and both are diverted again")
  func givenBack() async throws {
    try await with { cluster, alice, _ in
      for service in ["web", "web-alt"] { try await alice.stand(service, in: cluster) }
      try await cluster.setAgents(ready: false)
      for service in ["web", "web-alt"] {
        try await eventually("\(service) is given back") { try await cluster.isItself(service) }
      }
      try await cluster.setAgents(ready: true)
      try await eventually("both are active") { await areActive(["web", "web-alt"], alice) }
    }
  }

  @Test("restore --yes of one leaves the other to its holder")
  func restoredOne() async throws {
    try await with { cluster, alice, _ in
      for service in ["web", "web-alt"] { try await alice.stand(service, in: cluster) }
      _ = try await alice.operations.restore(
        RestoreRequest(cluster: cluster.selection(), service: "web", force: true)
      ) { _ in }
      #expect(try await cluster.isItself())
      #expect(try await !cluster.isItself("web-alt"))
      #expect(await areActive(["web-alt"], alice))
    }
  }

  @Test("A daemon that died leaves both to the next one")
  func recovered() async throws {
    try await with { cluster, alice, _ in
      for service in ["web", "web-alt"] { try await alice.stand(service, in: cluster) }
      await alice.die()
      let next = try TestDaemon(folder: alice.folder)
      await next.operations.recover()
      for service in ["web", "web-alt"] { #expect(try await cluster.isItself(service)) }
      #expect(try await cluster.agent() == nil)
      #expect(try next.journal().isEmpty)
    }
  }

  @Test("A second person is refused with who has it, before anything is changed", arguments: ["web", "web-alt"])
  func refused(service: String) async throws {
    try await with { cluster, alice, bob in
      try await alice.stand("web", in: cluster)
      let host = Listening()
      let before = await cluster.store.list(.services, namespace: "shop").items
      let agent = try await cluster.agent()
      let request = InterceptRequest(
        cluster: cluster.selection(), service: service, ports: [PortMapping(local: host.port)])
      let refusal = await bob.refusal(request)
      #expect(refusal?.code == .conflict)
      #expect(refusal?.message.contains("alice@laptop") == true, "\(String(describing: refusal))")
      #expect(refusal?.remedy?.contains("--take-over") == true)
      #expect(await cluster.store.list(.services, namespace: "shop").items == before)
      #expect(try await cluster.agent()?.annotations == agent?.annotations)
      #expect(try bob.journal().isEmpty)
      #expect(try await cluster.leases().count == 1)
      #expect(await areActive(["web"], alice))
      #expect(await states(bob).isEmpty)

      let again = await alice.refusal(
        InterceptRequest(cluster: cluster.selection(), service: "web", ports: [PortMapping(local: host.port)]))
      #expect(again?.code == .conflict)
    }
  }

  @Test("One has all of a Service, and another some of its requests; the same rule again is refused")
  func personal() async throws {
    try await with { cluster, alice, bob in
      try await bob.stand("web", in: cluster)
      let rules = try #require(RequestRules(texts: ["header x-devtunnel=alice", "path /a"]))
      try await alice.stand("web", in: cluster, rules: rules)
      #expect(await areActive(["web"], alice))
      #expect(await areActive(["web"], bob))
      #expect(await alice.operations.status().intercepts.first?.rules == rules)
      #expect(await bob.operations.status().intercepts.first?.rules == nil)
      #expect(
        await alice.operations.status().intercepts.first?.others == [.init(holder: "bob@desk", services: ["web"])])
      let listed = try await bob.operations.list(cluster.selection(), allNamespaces: false)
      let entry = try #require(listed.first { $0.service == "web" })
      #expect(entry.personal == [ListEntry.Personal(holder: "alice@laptop", rules: rules)])
      #expect(entry.interceptedBy == "alice@laptop (\(rules)), bob@desk")

      let carol = try TestDaemon(holder: "carol@tower")
      defer { carol.remove() }
      let host = Listening()
      var request = InterceptRequest(
        cluster: cluster.selection(), service: "web", ports: [PortMapping(local: host.port)])
      request.rules = RequestRules(texts: ["path /a", "path /c"])
      let refusal = await carol.refusal(request)
      #expect(refusal?.code == .conflict && refusal?.message.contains("path /a ") == true)
      request.replace = true
      #expect(await carol.refusal(request)?.message.contains("--replace") == true)

      _ = try await bob.operations.leave(LeaveRequest(all: true)) { _ in }
      #expect(try await !cluster.isItself())
      #expect(await areActive(["web"], alice))
      await alice.die()
      let next = try TestDaemon(folder: alice.folder)
      await next.operations.recover()
      #expect(try await cluster.isItself())
      #expect(try next.journal().isEmpty)
    }
  }

  @Test("A holder who does not live is no obstacle")
  func stale() async throws {
    try await with { cluster, alice, bob in
      try await alice.stand("web", in: cluster)
      await alice.die()
      for name in try await cluster.leases() { try await cluster.client.delete(.leases, name, namespace: "shop") }
      try await bob.stand("web-alt", in: cluster)
      let identity = await bob.identity
      #expect(await cluster.owners() == [identity])
      #expect(await areActive(["web-alt"], bob))
      // The next daemon undoes its own, and leaves Bob's.
      let next = try TestDaemon(folder: alice.folder)
      await next.operations.recover()
      #expect(try await cluster.isItself())
      #expect(try await !cluster.isItself("web-alt"))
      #expect(await areActive(["web-alt"], bob))
      #expect(await cluster.owners() == [identity])
    }
  }

  @Test("A take-over by two at once ends with exactly one owner", arguments: [["web", "web"], ["web", "web-alt"]])
  func twoTakeOvers(services: [String]) async throws {
    try await with { cluster, alice, bob in
      try await alice.stand("web", in: cluster)
      let carol = try TestDaemon(holder: "carol@tower")
      defer { carol.remove() }
      let takers = [bob, carol]
      await withTaskGroup(of: Void.self) { group in
        for (daemon, service) in zip(takers, services) {
          group.addTask { _ = try? await daemon.stand(service, in: cluster, takeOver: true) }
        }
      }
      // The agent knows the last claim alone, and refuses the others' sessions.
      let daemons = [alice] + takers
      for daemon in daemons {
        for interception in await daemon.operations.interceptions {
          await daemon.workload(of: interception).supersede()
          if await interception.loss == nil { await daemon.workload(of: interception).reconnect() }
        }
      }
      let owners = await cluster.owners()
      #expect(owners.count == 1)
      var found: TestDaemon?
      for daemon in daemons where owners == [await daemon.identity] { found = daemon }
      let owner = try #require(found)
      #expect(owner.folder != alice.folder)
      try await eventually("the owner's is active") {
        await owner.operations.status().intercepts.map(\.state) == [.active]
      }
      for daemon in daemons where daemon.folder != owner.folder {
        #expect(await !states(daemon).values.contains(.active))
        #expect(await daemon.operations.shutDown { _ in }.isEmpty)
        #expect(try daemon.journal().isEmpty)
      }
      #expect(await cluster.owners() == owners)
      #expect(await owner.operations.status().intercepts.map(\.state) == [.active])
      #expect(await carol.operations.shutDown { _ in }.isEmpty)
    }
  }
}
