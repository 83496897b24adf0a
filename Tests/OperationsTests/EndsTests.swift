import Agents
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept
@testable import Operations

/// However an intercept ends, no Service is left selecting an agent that is not there, and no agent is deleted while
/// one selects it; also where a second Service of the workload is diverted to it, as former versions left it.
@Suite(.timeLimit(.minutes(3))) struct EndsTests {
  enum End: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case leave, quit, restoreYes, restoreOfTheOther, restoreFromElsewhere, failedSetUp, daemonDeath, giveBack
    case agentDeleted, leaseDeleted, leaseAndAgentDeleted, leaseAndAgentDeletedThenQuit, takenOver,
      takenOverThroughTheOther
    case replacedAgent, deletedService

    var testDescription: String { rawValue }
    /// Others delete the agent: it is not ours to be careful then.
    var isDeletedByOthers: Bool { rawValue.contains("gentDeleted") }
  }

  private let namespace = "shop"

  @Test("No Service is left without endpoints", arguments: End.allCases)
  func ends(end: End) async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      let interception = try await daemon.stand(in: cluster)
      try await ServiceDivert(
        client: cluster.client, namespace: "shop", service: "web-alt", workload: "web", selector: ["app": "web"]
      )
      .divert(holder: "alice@laptop")
      let audit = try await Audit(cluster)

      try await bring(about: end, interception, daemon, cluster)

      if end != .deletedService {
        try await eventually("Service web is itself again") { try await cluster.isItself() }
      }
      try await eventually("Service web-alt is itself again") { try await cluster.isItself("web-alt") }
      try await eventually("the agent is gone") {
        try await cluster.client.find(.deployments, "devtunnel-web", namespace: "shop") == nil
      }
      try await eventually("the journal is empty") { try daemon.journal().isEmpty }
      if !end.isDeletedByOthers { #expect(try await audit.violations() == []) }
    }
  }

  private func bring(
    about end: End, _ interception: Interception, _ daemon: TestDaemon, _ cluster: PocketCluster
  ) async throws {
    let operations = daemon.operations
    func leave() async throws { _ = try await operations.leave(LeaveRequest(all: true)) { _ in } }
    func delete(_ resources: APIResource...) async throws {
      for resource in resources {
        try await cluster.client.delete(resource, "devtunnel-web", namespace: namespace, propagation: .background)
      }
    }
    switch end {
    case .leave: try await leave()
    case .quit: #expect(await operations.shutDown { _ in }.isEmpty)
    case .restoreYes:
      _ = try await operations.restore(RestoreRequest(cluster: cluster.selection(), force: true)) { _ in }
    case .restoreOfTheOther:
      // The intercept that is held goes on; only what was left over is undone.
      let request = RestoreRequest(cluster: cluster.selection(), service: "web-alt", force: true)
      _ = try await operations.restore(request) { _ in }
      #expect(try await cluster.isItself("web-alt"))
      #expect(try await !cluster.isItself())
      #expect(try await cluster.client.find(.deployments, "devtunnel-web", namespace: namespace) != nil)
      try await leave()
    case .restoreFromElsewhere:
      let other = try TestDaemon(holder: "bob@desk")
      defer { other.remove() }
      let request = RestoreRequest(cluster: cluster.selection(), service: "web", force: true)
      _ = try await other.operations.restore(request) { _ in }
      #expect(await !interception.renewNow())
      try await leave()
    case .failedSetUp: _ = await interception.undone(after: ControlError(.cancelled, "cancelled"))
    case .daemonDeath: await (try TestDaemon(folder: daemon.folder)).operations.recover()
    case .giveBack:
      await interception.loseSight()
      await interception.look()
      try await expectItself(cluster)
      await interception.hurry()
      try await leave()
    case .agentDeleted:
      try await delete(.deployments)
      try await leave()
    case .leaseDeleted:
      try await delete(.leases)
      #expect(await interception.renewNow())
      try await leave()
    case .leaseAndAgentDeleted:
      try await delete(.leases, .deployments)
      #expect(await !interception.renewNow())
      #expect(try await cluster.isItself())
      try await leave()
    case .leaseAndAgentDeletedThenQuit:
      try await delete(.leases, .deployments)
      #expect(await operations.shutDown { _ in }.isEmpty)
    case .takenOver:
      let bob = try await takeOver("web", cluster)
      #expect(await !interception.renewNow())
      try await leave()
      #expect(try await !cluster.isItself())
      _ = await bob.operations.shutDown { _ in }
      bob.remove()
    case .takenOverThroughTheOther:
      let bob = try await takeOver("web-alt", cluster)
      #expect(await !interception.renewNow())
      #expect(try await cluster.isItself())
      #expect(try await !cluster.isItself("web-alt"))
      try await leave()
      #expect(try await !cluster.isItself("web-alt"))
      _ = await bob.operations.shutDown { _ in }
      bob.remove()
    case .replacedAgent:
      let template = AgentPodTemplate(
        workload: "web", containerName: "web", listen: [8080, 9090], controlPort: 17_717, architecture: .amd64)
      let workload = try await cluster.client.get(.deployments, "web", namespace: namespace)
      let deployer = try #require(await interception.deployer)
      let agent = try await deployer.deploy(
        template: template, from: Workload(workload, resource: .deployments).template, selector: ["app": "web"])
      try await expectItself(cluster)
      await interception.remember(agent: agent.uid)
      try await leave()
    case .deletedService:
      try await cluster.client.delete(.services, "web", namespace: namespace)
      try await leave()
    }
  }

  private func expectItself(_ cluster: PocketCluster) async throws {
    #expect(try await cluster.isItself())
    #expect(try await cluster.isItself("web-alt"))
  }

  /// As a version does that lets one workload be intercepted through two Services.
  private func takeOver(_ service: String, _ cluster: PocketCluster) async throws -> TestDaemon {
    let bob = try TestDaemon(holder: "bob@desk")
    var lease = try await cluster.client.get(.leases, "devtunnel-web", namespace: namespace)
    let id = try InstallationID.load(path: bob.journalPath + ".installation").text
    lease[path: "spec", "holderIdentity"] = JSONValue(Holder(name: "bob@desk", installation: id).identity)
    lease[path: "spec", "leaseTransitions"] = 2
    lease.annotations["devtunnel.dev/service"] = service
    try await cluster.client.update(lease, as: .leases, namespace: namespace)
    try await bob.stand(service, in: cluster)
    return bob
  }

  @Test("A Service that selects the agent without our record keeps it, and that is said")
  func foreign() async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      try await daemon.stand(in: cluster)
      try await cluster.addService("canary", selector: ["app": "web", "devtunnel.dev/agent": "web"])
      let audit = try await Audit(cluster)

      let problems = await daemon.operations.shutDown { _ in }
      #expect(problems.first?.message.contains("Service shop/canary selects the agent of web") == true)
      #expect(try await cluster.isItself())
      #expect(try await cluster.client.find(.deployments, "devtunnel-web", namespace: "shop") != nil)
      #expect(try !daemon.journal().isEmpty)

      // Named, or for the whole namespace, a person's word is enough.
      let next = try TestDaemon(folder: daemon.folder)
      let report = try await next.operations.restore(RestoreRequest(cluster: cluster.selection(), force: true)) { _ in }
      #expect(report.done.contains("Service shop/canary has its own selector again"))
      #expect(try await cluster.selector(of: "canary") == ["app": "web"])
      #expect(try await cluster.client.find(.deployments, "devtunnel-web", namespace: "shop") == nil)
      #expect(try await audit.violations() == [])
    }
  }

  @Test("One place deletes agents, and it looks at the Services first")
  func onePlace() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources")
    var deleting: [String] = []
    for module in ["Agents", "Intercept", "Forward", "Shell", "Operations"] {
      let files = FileManager.default.enumerator(at: sources.appending(path: module), includingPropertiesForKeys: nil)
      for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
        let text = try String(contentsOf: file, encoding: .utf8)
        if text.contains("delete(.deployments") { deleting.append(file.lastPathComponent) }
      }
    }
    #expect(deleting == ["AgentRemoval.swift"])
  }

  @Test("With its namespace an intercept ends without a word")
  func deletedNamespace() async throws {
    try await PocketCluster.run("a") { clusters in
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      try await daemon.stand(in: clusters[0])
      try await clusters[0].client.delete(.namespaces, "shop", propagation: .background)
      try await eventually("it is gone") { try await clusters[0].client.find(.namespaces, "shop") == nil }
      #expect(await daemon.operations.shutDown { _ in }.isEmpty)
      #expect(try daemon.journal().isEmpty)
    }
  }

  @Test("A second Service of the workload is refused before anything is changed, by --take-over too")
  func second() async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      let bob = try TestDaemon(holder: "bob@desk")
      defer {
        daemon.remove()
        bob.remove()
      }
      try await daemon.stand(in: cluster)
      let host = Listening()
      let before = await cluster.store.list(.services, namespace: "shop").items
      func refusal(_ daemon: TestDaemon, takeOver: Bool = false) async -> ControlError? {
        var request = InterceptRequest(
          cluster: cluster.selection(), service: "web-alt", ports: [PortMapping(local: host.port)])
        request.takeOver = takeOver
        return await daemon.refusal(request)
      }
      for takeOver in [false, true] {
        let own = await refusal(daemon, takeOver: takeOver)
        #expect(own?.message.hasPrefix("you intercept workload web already, through its Service web") == true)
        #expect(own?.remedy == "`devtunnel leave web` first.")
        // An earlier daemon of the same person, whose Lease is fresh.
        let next = try TestDaemon(folder: daemon.folder)
        let earlier = await refusal(next, takeOver: takeOver)
        #expect(earlier?.remedy?.contains("`devtunnel restore web -n shop`") == true)
      }
      let others = await refusal(bob)
      #expect(others?.message.hasPrefix("workload web is intercepted through Service web by alice@laptop") == true)
      #expect(await cluster.store.list(.services, namespace: "shop").items == before)
      #expect(try bob.journal().isEmpty)
      #expect(try daemon.journal().count == 1)
      #expect(await daemon.operations.status().intercepts.map(\.state) == [.active])

      // Left over: the workload has no holder, and its Service is still diverted.
      try await cluster.client.delete(.leases, "devtunnel-web", namespace: "shop")
      let left = await refusal(bob)
      #expect(left?.message.hasPrefix("Service web has been left diverted") == true)
      #expect(await cluster.store.list(.services, namespace: "shop").items == before)
      _ = await daemon.operations.shutDown { _ in }
    }
  }
}

extension Interception {
  fileprivate func renewNow() async -> Bool {
    guard let lease else { return false }
    return await renew(lease, transitions)
  }

  fileprivate func remember(agent uid: String) { agentUID = uid }

  /// No ready agent has been seen for longer than is waited.
  fileprivate func loseSight() async {
    let identity = AgentIdentity(
      namespace: namespace, workload: "web", controlPort: 17_717, token: Array(repeating: 0, count: 32),
      uid: agentUID ?? "", template: [:])
    link = await AgentLink(
      client: client, relay: context.relay, identity: identity, transitions: transitions, log: context.log)
    absence.note(ServiceEndpoints([], agentPrefix: "devtunnel-web"), at: .now - .seconds(10))
  }
}
