import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing

@testable import Intercept
@testable import Operations

/// However an intercept ends, no Service is left selecting an agent that is not there, and no agent is deleted while
/// one selects it; also where a second Service of the workload is diverted to it without claims, as former versions
/// left it.
@Suite(.timeLimit(.minutes(3))) struct EndsTests {
  enum End: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case leave, quit, restoreYes, restoreOfTheOther, restoreFromElsewhere, daemonDeath, daemonDeathAndRestore, giveBack
    case agentDeleted, agentDeletedUnseen, leaseDeleted, leaseAndAgentDeleted, leaseAndAgentDeletedThenQuit
    case takenOver, takenOverUnseen, takenOverThroughTheOther, replacedAgent, deletedService

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
      #expect(try await cluster.selector()["devtunnel.dev/agent"] == "web")
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
      try await eventually("no Lease is left") { try await cluster.leases().isEmpty }
      if !end.isDeletedByOthers { #expect(try await audit.violations() == []) }
    }
  }

  @Test("A workload that --replace scaled down, and its Service, come back without an agent", arguments: [true, false])
  func replaced(isDeleted: Bool) async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      func replicas() async throws -> Int? {
        try await cluster.client.get(.deployments, "web", namespace: namespace)[path: "spec", "replicas"]?.intValue
      }
      let before = try await replicas()
      _ = try await daemon.stand(in: cluster, replaces: true)
      try await eventually("it is scaled down") { try await replicas() == 0 }
      if isDeleted {
        try await cluster.client.delete(.deployments, "devtunnel-web", namespace: namespace, propagation: .background)
      }
      try await cluster.setAgents(ready: false)
      _ = try? await daemon.operations.leave(LeaveRequest(all: true)) { _ in }
      try await eventually("the Service is itself again") { try await cluster.isItself() }
      #expect(try await replicas() == before)
      try await eventually("the journal is empty") { try daemon.journal().isEmpty }
    }
  }

  private func bring(
    about end: End, _ interception: Interception, _ daemon: TestDaemon, _ cluster: PocketCluster
  ) async throws {
    let operations = daemon.operations
    let workload = await daemon.workload(of: interception)
    @discardableResult func leave() async throws -> [LeaveReport] {
      try await operations.leave(LeaveRequest(all: true)) { _ in }
    }
    func state() async -> InterceptReport.State? { await operations.status().intercepts.first?.state }
    func deleteAgent() async throws {
      try await cluster.client.delete(
        .deployments, "devtunnel-web", namespace: namespace, propagation: .background)
    }
    func deleteLeases() async throws {
      let leases = try await cluster.leases()
      #expect(leases.count == 1)
      for name in leases { try await cluster.client.delete(.leases, name, namespace: namespace) }
    }
    switch end {
    case .leave:
      let report = try await leave()
      #expect(report.map(\.restored) == [true])
      #expect(try await cluster.isItself())
    case .quit:
      #expect(await operations.shutDown { _ in }.isEmpty)
      // The process ends now.
      #expect(try await cluster.isItself())
      #expect(try await cluster.agent() == nil)
      #expect(try daemon.journal().isEmpty)
    case .restoreYes:
      _ = try await operations.restore(RestoreRequest(cluster: cluster.selection(), force: true)) { _ in }
    case .restoreOfTheOther:
      // The intercept that is held goes on; only what was left over is undone.
      let request = RestoreRequest(cluster: cluster.selection(), service: "web-alt", force: true)
      _ = try await operations.restore(request) { _ in }
      #expect(try await cluster.isItself("web-alt"))
      #expect(try await !cluster.isItself())
      #expect(try await cluster.agent() != nil)
      #expect(await state() == .active)
      try await leave()
    case .restoreFromElsewhere:
      let other = try TestDaemon(holder: "bob@desk")
      defer { other.remove() }
      let request = RestoreRequest(cluster: cluster.selection(), service: "web", force: true)
      _ = try await other.operations.restore(request) { _ in }
      #expect(try await cluster.isItself())
      #expect(try await cluster.agent() == nil)
      try await workload.reconnect(until: "it is known") { await state() == .failedOpen }
      try await leave()
    case .daemonDeath:
      await daemon.die()
      await (try TestDaemon(folder: daemon.folder)).operations.recover()
    case .daemonDeathAndRestore:
      await daemon.die()
      let other = try TestDaemon(holder: "bob@desk")
      defer { other.remove() }
      let request = RestoreRequest(cluster: cluster.selection(), service: nil, force: true)
      _ = try await other.operations.restore(request) { _ in }
      #expect(try await cluster.isItself())
      await (try TestDaemon(folder: daemon.folder)).operations.recover()
    case .giveBack:
      try await cluster.setAgents(ready: false)
      try await eventually("it is given back") { try await cluster.isItself() }
      try await eventually("it is told") { await state() == .failedOpen }
      try await cluster.setAgents(ready: true)
      try await eventually("it is diverted again") { await state() == .active }
      #expect(try await !cluster.isItself())
      try await cluster.setAgents(ready: false)
      try await eventually("it is given back again") { try await cluster.isItself() }
      try await leave()
    case .agentDeleted:
      try await deleteAgent()
      try await eventually("it is given back") { try await cluster.isItself() }
      try await eventually("it is told") {
        await operations.status().intercepts.first?.message?.contains("deleted the agent") == true
      }
      try await leave()
    case .agentDeletedUnseen:
      try await deleteAgent()
      try await leave()
    case .leaseDeleted:
      try await deleteLeases()
      try await workload.renewLease()
      #expect(try await cluster.leases().count == 1)
      #expect(await state() == .active)
      try await leave()
    case .leaseAndAgentDeleted:
      try await deleteLeases()
      try await deleteAgent()
      try await eventually("it is given back") { try await cluster.isItself() }
      try await leave()
    case .leaseAndAgentDeletedThenQuit:
      try await deleteLeases()
      try await deleteAgent()
      #expect(await operations.shutDown { _ in }.isEmpty)
    case .takenOver, .takenOverUnseen:
      let bob = try TestDaemon(holder: "bob@desk")
      defer { bob.remove() }
      try await bob.stand(in: cluster, takeOver: true)
      if end == .takenOver {
        await workload.supersede()
        try await eventually("it is known") { await interception.loss == "bob@desk has taken this intercept over" }
        #expect(await state() != .active)
      }
      let report = try await leave()
      if end == .takenOver { #expect(report.map(\.restored) == [false]) }
      try await eventually("nothing of ours is left") { try daemon.journal().isEmpty }
      try await expectHeld(by: bob, cluster)
      #expect(await bob.operations.shutDown { _ in }.isEmpty)
    case .takenOverThroughTheOther:
      let bob = try TestDaemon(holder: "bob@desk")
      defer { bob.remove() }
      // The agent that runs there is without claims; Bob's own replaces it.
      try await ServiceDivert.restore(client: cluster.client, namespace: namespace, service: "web-alt")
      try await bob.stand("web-alt", in: cluster, takeOver: true)
      await workload.supersede()
      try await eventually("the Service that nobody claims is given back") { try await cluster.isItself() }
      try await expectHeld("web-alt", by: bob, cluster)
      try await leave()
      try await eventually("nothing of ours is left") { try daemon.journal().isEmpty }
      try await expectHeld("web-alt", by: bob, cluster)
      #expect(await bob.operations.shutDown { _ in }.isEmpty)
    case .replacedAgent:
      // Another version's program: its agent takes the place of ours.
      let former = try await cluster.agent()?.uid
      let bob = try TestDaemon(holder: "bob@desk", program: "another program")
      defer { bob.remove() }
      try await bob.stand(in: cluster, takeOver: true)
      #expect(try await cluster.agent()?.uid != former)
      try await workload.reconnect(until: "it is known") {
        await interception.loss == "bob@desk has taken this intercept over"
      }
      try await leave()
      try await eventually("nothing of ours is left") { try daemon.journal().isEmpty }
      try await expectHeld(by: bob, cluster)
      #expect(await bob.operations.shutDown { _ in }.isEmpty)
    case .deletedService:
      try await cluster.client.delete(.services, "web", namespace: namespace)
      try await eventually("it is told") {
        await operations.status().intercepts.first?.message?.contains("was deleted") == true
      }
      try await leave()
    }
  }

  private func expectHeld(_ service: String = "web", by daemon: TestDaemon, _ cluster: PocketCluster) async throws {
    #expect(try await !cluster.isItself(service))
    #expect(try await cluster.agent() != nil)
    #expect(await daemon.operations.status().intercepts.map(\.state) == [.active])
    let identity = await daemon.identity
    #expect(await cluster.owners() == [identity])
  }

  // MARK: Set-ups that fail

  enum Fault: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// The program for the cluster's nodes is missing.
    case deploying
    case originRefuses
    case cancelledWhileProbing, cancelledWhileTurning

    var testDescription: String { rawValue }
  }

  @Test("A set-up that fails, or is interrupted, leaves nothing", arguments: Fault.allCases)
  func failedSetUp(fault: Fault) async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      let audit = try await Audit(cluster)
      if fault == .deploying {
        for name in try FileManager.default.contentsOfDirectory(atPath: daemon.folder + "/share") {
          try FileManager.default.removeItem(atPath: "\(daemon.folder)/share/\(name)")
        }
      }
      let start = Task {
        try await daemon.stand(in: cluster) { step in
          switch (step, fault) {
          case (.probe, .originRefuses): return .failed(Failure("it refuses", isPassing: false))
          case (.probe, .cancelledWhileProbing): return .failed(Failure("no answer yet", isPassing: true))
          case (.turn, .cancelledWhileTurning): return .failed(Failure("no answer yet", isPassing: true))
          default: return nil
          }
        }
      }
      switch fault {
      case .cancelledWhileProbing:
        try await eventually("the agent exists") { try await cluster.agent() != nil }
        start.cancel()
      case .cancelledWhileTurning:
        try await eventually("the Service is diverted") { try await !cluster.isItself() }
        start.cancel()
      default: break
      }
      let error = await #expect(throws: ControlError.self) { _ = try await start.value }
      switch fault {
      case .deploying: #expect(error?.message.contains("devtunnel-agent") == true, "\(String(describing: error))")
      case .originRefuses: #expect(error?.message.contains("it refuses") == true, "\(String(describing: error))")
      default: #expect(error?.code == .cancelled, "\(String(describing: error))")
      }
      #expect(try await cluster.isItself())
      #expect(try await cluster.agent() == nil)
      #expect(try daemon.journal().isEmpty)
      #expect(try await cluster.leases() == [])
      #expect(try await audit.violations() == [])
      #expect(await daemon.operations.status().intercepts.isEmpty)
    }
  }

  // MARK: Others

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
      #expect(problems.first?.message.contains("shop/canary") == true)
      #expect(try await cluster.isItself())
      #expect(try await cluster.agent() != nil)
      #expect(try !daemon.journal().isEmpty)

      // Named, or for the whole namespace, a person's word is enough.
      let next = try TestDaemon(folder: daemon.folder)
      let report = try await next.operations.restore(RestoreRequest(cluster: cluster.selection(), force: true)) { _ in }
      #expect(report.done.contains("Service shop/canary has its own selector again"))
      #expect(try await cluster.selector(of: "canary") == ["app": "web"])
      #expect(try await cluster.agent() == nil)
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
        let text = try String(contentsOf: file, encoding: .utf8).filter { !$0.isWhitespace }
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

  @Test("An agent that a version without claims put in place belongs to the holder of its Lease")
  func formerVersion() async throws {
    try await PocketCluster.run("a") { clusters in
      let cluster = clusters[0]
      let daemon = try TestDaemon()
      defer { daemon.remove() }
      let interception = try await daemon.stand(in: cluster)
      let workload = await daemon.workload(of: interception)
      try await cluster.client.create(
        [
          "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
          "metadata": ["name": "devtunnel-web", "namespace": "shop"],
          "spec": [
            "holderIdentity": "bob@desk", "leaseDurationSeconds": 30, "leaseTransitions": 1,
            "renewTime": JSONValue(Timestamp.micro(Date())),
          ],
        ], as: .leases, namespace: "shop")
      // Not by another agent: the machine may look while there is none, and then it is deleted and not lost.
      try await workload.forgetClaims()
      let theirs = try #require(try await cluster.agent())
      try await ServiceDivert(
        client: cluster.client, namespace: "shop", service: "web", workload: "web", selector: ["app": "web"]
      ).divert(holder: "bob@desk")

      try await workload.reconnect(until: "it is lost") { await interception.loss != nil }
      _ = try await daemon.operations.leave(LeaveRequest(all: true)) { _ in }
      try await eventually("nothing of ours is left") { try daemon.journal().isEmpty }
      #expect(try await cluster.agent()?.uid == theirs.uid)
      #expect(try await !cluster.isItself())
    }
  }
}

extension PocketCluster {
  /// The holders of claims on the agent.
  func owners() async -> Set<String> {
    guard let agent = try? await agent() else { return [] }
    return ClaimsRecord.read(agent)?.holders ?? []
  }
}
