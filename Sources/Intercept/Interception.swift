// One intercepted Service for its user: planned and checked first, then handed to its workload, whose machine does the
// rest.

import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import KubeStreams
import Logging
import Relay
import TunnelProtocol
import Workloads

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The services that an intercept uses.
public struct InterceptContext: Sendable {
  public var client: KubeClient
  public var relay: RelayThread
  public var installation: Installation
  public var journal: Journal
  public var protocols: CarrierProtocol
  public var holder: Holder
  public var log: Logger
  /// Rung when a report may have changed.
  public var changes: ChangeSignal

  public init(
    client: KubeClient, relay: RelayThread, installation: Installation, journal: Journal, protocols: CarrierProtocol,
    holder: Holder, log: Logger, changes: ChangeSignal = ChangeSignal()
  ) {
    self.changes = changes
    self.client = client
    self.relay = relay
    self.installation = installation
    self.journal = journal
    self.protocols = protocols
    self.holder = holder
    self.log = log
  }
}

/// One intercept of one Service.
public actor Interception {
  /// Returns this daemon's intercepts of a workload, once its earlier objects for the Service are removed.
  public typealias Seat =
    @Sendable (_ workload: String, _ progress: @escaping Engine.Progress) async throws(ControlError) ->
    InterceptedWorkload

  public nonisolated let request: InterceptRequest
  public nonisolated let id: InterceptID
  public nonisolated var namespace: String { id.namespace }
  nonisolated let context: InterceptContext
  /// True if the host's target is a port inside a shell.
  public nonisolated let isInsideShell: Bool
  private let openJoined: JoinedCluster.Open?
  private let seat: Seat
  private var plan: InterceptPlan?
  private var workload: InterceptedWorkload?
  private var warnings: [String] = []
  /// True if connections that were open before stay with the origin.
  public private(set) var leavesConnections = false
  private let since = Date()
  /// Waits for a shell's command to listen before connections move to it.
  private var mover: Task<Void, Never>?
  private var environment: [String: String]?

  /// - Parameters:
  ///   - cluster: the one that `context` reaches.
  ///   - insideShell: true if the host's target is a port inside a shell that starts later.
  ///   - joined: opens the connection to the request's target; nil without one.
  ///   - seat: finds the daemon's intercepts of the workload.
  public init(
    _ request: InterceptRequest, cluster: ClusterIdentity, namespace: String, context: InterceptContext,
    insideShell: Bool = false, joined: JoinedCluster.Open? = nil, seat: @escaping Seat
  ) {
    self.seat = seat
    isInsideShell = insideShell
    openJoined = joined
    self.request = request
    id = InterceptID(cluster: cluster, namespace: namespace, service: request.service)
    self.context = context
  }

  private var client: KubeClient { context.client }
  /// The kubeconfig's name for the cluster.
  public nonisolated var contextName: String { context.client.access.contextName }
  /// The workload whose agent is this intercept's; nil before it is known.
  public var heldWorkload: String? { plan?.workload.name }
  /// The session with the agent.
  public var link: AgentLink? { get async { await workload?.link } }

  /// Returns the reports on others' requests that its agent gives; nil for an intercept without rules.
  public func watched() async -> WatchedIntercept? { await workload?.watched(id.service) }

  // MARK: Setting up

  /// Returns once new connections arrive at the host. Before it throws it undoes its changes. If that fails, `isUndone`
  /// is false, and undoing goes on.
  public func start(progress: @escaping Engine.Progress) async throws(ControlError) -> InterceptReport {
    let plan = try await Planner(client: client, namespace: namespace).plan(request)
    self.plan = plan
    warnings += plan.warnings
    for warning in plan.warnings { progress(EarlyWarning.line(warning)) }
    var joined: JoinedCluster?
    if let openJoined {
      joined = try await openJoined(plan.ports.compactMap(\.localPort), progress)
      if let joined { try await joined.check(plan) }
    } else if !isInsideShell {
      try await checkHost(plan)
    }
    try await take(plan, joined, progress)
    do throws(ControlError) { try await moveConnections(plan, progress) } catch {
      workload?.leave(id.service, drain: .seconds(5))
      throw await undone(after: error)
    }
    return await report()
  }

  /// Hands the checked plan to its workload; returns once new connections arrive at the host.
  func take(_ plan: InterceptPlan, _ joined: JoinedCluster?, _ progress: @escaping Engine.Progress)
    async throws(ControlError)
  {
    self.plan = plan
    let workload = try await seat(plan.workload.name, progress)
    let ports = Set(plan.ports.filter { $0.localPort != nil }.map(\.agentPort))
    try await workload.admit(request, ports: ports, isInsideShell: isInsideShell)
    self.workload = workload
    let entry = entry(plan)
    try context.journal.add(entry)
    let wish = Wish(
      service: plan.service, ports: ports, listens: Set(plan.listen), takesOver: request.takeOver,
      replaces: request.replace, lag: plan.lag, rules: request.rules?.texts)
    await workload.intercept(
      InterceptedWorkload.Member(
        request: request, plan: plan, entry: entry, isInsideShell: isInsideShell, joined: joined, progress: progress),
      wish, context)
    try await settle(workload, progress)
  }

  /// Returns once the intercept is active; throws once it has ended, or cannot be undone now.
  private func settle(_ workload: InterceptedWorkload, _ progress: Engine.Progress) async throws(ControlError) {
    var told: Phase?
    while true {
      let (phase, end) = await workload.progress(of: id.service)
      if phase == .active { return }
      if end != nil || phase == nil { break }
      if Task.isCancelled {
        progress("undoing")
        workload.leave(id.service, drain: .seconds(5))
        break
      }
      if let phase, phase != told {
        told = phase
        if let text = Explanation.progress(phase) { progress(text) }
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
    let wasCancelled = Task.isCancelled
    let failure = await workload.failure(of: id.service)
    throw await undone(after: wasCancelled ? ControlError(.cancelled, "cancelled") : failure)
  }

  /// Waits until an intercept that ends is undone.
  /// - Returns: the error, with what stays.
  private func undone(after error: ControlError) async -> ControlError {
    guard let workload else { return error }
    // In another task, since this one may be cancelled.
    let limit = Duration.seconds(20) + (plan?.lag ?? .zero)
    let isUndone = await Task { [id] in await workload.isOver(id.service, within: limit) }.value
    guard !isUndone else { return error }
    let obstacle = await workload.obstacle(of: id.service)
    return ControlError(
      .incomplete, "\(error.message); it cannot be undone now: \(obstacle.message)",
      remedy: [error.remedy, obstacle.remedy].compactMap(\.self).joined(separator: " "), details: error.details)
  }

  private func entry(_ plan: InterceptPlan) -> Journal.Entry {
    var cluster = request.cluster
    // The kubeconfig's current context may have changed by the next daemon's time.
    cluster.context = client.access.contextName
    cluster.namespace = namespace
    return Journal.Entry(
      cluster: cluster, identity: id.cluster, namespace: namespace, service: request.service,
      workload: plan.workload.name)
  }

  private func checkHost(_ plan: InterceptPlan) async throws(ControlError) {
    for port in plan.ports {
      guard let host = port.localPort else { continue }
      if try await !HostTarget.listens(request.address, port: host) {
        throw ControlError(
          .refused,
          "nothing is listening on \(request.address):\(host), "
            + "the target for port \(port.servicePort) of Service \(plan.service)",
          remedy: "Start your process first, or name the port it listens on: "
            + "--port PORT\(plan.ports.count > 1 ? ":\(port.servicePort)" : "").")
      }
    }
  }

  // MARK: Connections that were open before

  private func moveConnections(_ plan: InterceptPlan, _ progress: Engine.Progress) async throws(ControlError) {
    let moves: Bool
    switch request.moveConnections {
    case .no: return
    case .yes: moves = true
    case .auto:
      let speaks = plan.ports.contains { $0.localPort != nil && $0.speaksHTTP2 }
      // A restart for one person's requests would disturb everybody else.
      moves = speaks && plan.workload.canRestart && !request.replace && request.rules == nil
      // No one can see whether there are any: neither the agent nor the API server knows the origin's connections.
      leavesConnections = !moves
    }
    guard moves else { return }
    guard isInsideShell else { return try await restart(plan, progress) }
    // The shell's command has not even started.
    let text = "open connections move once the command listens: \(plan.workload.description) is restarted then"
    warnings.append(text)
    mover = Task { [weak self] in
      while await self?.hostListens(plan) == false { try? await Task.sleep(for: .milliseconds(250)) }
      await self?.restartLate(plan, announced: text)
    }
  }

  /// Returns true if a port of the intercept answers in the shell; nil if the intercept ends.
  private func hostListens(_ plan: InterceptPlan) async -> Bool? {
    guard !Task.isCancelled, let workload, await workload.isWanted(id.service) else { return nil }
    guard let link = await workload.link else { return false }
    for port in plan.ports where port.localPort != nil {
      if await link.probeHost(port.agentPort) == .connected { return true }
    }
    return false
  }

  private func restartLate(_ plan: InterceptPlan, announced text: String) async {
    guard !Task.isCancelled, await workload?.isWanted(id.service) == true else { return }
    warnings.removeAll { $0 == text }
    do throws(ControlError) { try await restart(plan) { _ in } } catch {
      warnings.append("open connections stay on the origin: \(error.message)")
    }
  }

  /// Restarts the workload's Pods, one after the other, so that their clients connect again, to the agent.
  private func restart(_ plan: InterceptPlan, _ progress: Engine.Progress) async throws(ControlError) {
    guard let resource = plan.workload.resource else { return }
    progress("\(plan.workload.description) is being restarted, one Pod after the other, so that open connections move")
    let patch: JSONValue = [
      "spec": [
        "template": [
          "metadata": ["annotations": ["kubectl.kubernetes.io/restartedAt": JSONValue(Timestamp.seconds(Date()))]]
        ]
      ]
    ]
    let restarted = try await attempt("restarting \(plan.workload.description)") { () async throws(KubeError) in
      try await client.patch(resource, plan.workload.name, namespace: namespace, type: .strategic, patch)
    }
    await workload?.noteRestart(of: id.service, restarted.generation)
    warnings.append("\(plan.workload.description) was restarted so that open connections move")
  }

  // MARK: Leaving

  /// Returns once new connections go to the origin and the Service is as it was. `finish` waits for the rest. Without
  /// an answer of the API server that takes about 20 s; it is tried again until it is done.
  /// - Parameter drain: the time that connections on the host may still last.
  public func leave(drain: Duration, progress: Engine.Progress) async throws(ControlError) {
    guard let workload else { return }
    if Task.isCancelled {
      throw ControlError(
        .cancelled, "cancelled: \(id.service) is still intercepted", remedy: "`devtunnel leave \(id.service)` ends it.")
    }
    mover?.cancel()
    workload.leave(id.service, drain: drain)
    guard await !workload.isRestored(id.service, within: .seconds(20)) else { return }
    if Task.isCancelled {
      throw ControlError(
        .incomplete, "leaving \(id.service) goes on in the background", remedy: "`devtunnel status` shows it.")
    }
    throw await workload.obstacle(of: id.service)
  }

  /// Returns once nothing of the intercept is left in the cluster.
  /// - Parameter givesUp: true to return after a first attempt that failed, too: the journal keeps the rest for the
  ///   next daemon.
  /// - Returns: the number of connections that were cut.
  public func finish(givesUp: Bool = false) async -> Int {
    guard let workload else { return 0 }
    if givesUp { await workload.isOverOrStays(id.service) } else { _ = await workload.isOver(id.service, within: nil) }
    return await workload.ended[id.service]?.facts.cut ?? 0
  }

  /// Ends faster, since the Service's next intercept waits for the end.
  public func hurry() async { workload?.observe(.hurry) }

  /// Counts the connections that the host still holds.
  public func openConnections() async -> Int {
    guard let plan else { return 0 }
    return await workload?.openConnections(Set(plan.ports.map(\.agentPort))) ?? 0
  }

  /// True unless the intercept ends and something of it is left.
  public var isUndone: Bool { get async { await workload?.isEnding(id.service) != true } }

  /// Returns once nothing of a failed start is left to undo.
  public func untilUndone() async { _ = await workload?.isOver(id.service, within: nil) }

  /// The reason why objects of ours are still in the cluster after the intercept's end; nil if none are.
  public var remains: ControlError? { get async { await workload?.remains(id.service) } }

  /// The reason why the intercept was lost; nil if it was not.
  public var loss: String? { get async { await workload?.loss(of: id.service) } }

  /// Returns an error that names the objects that will stay, since the user may not delete them; nil if there are none.
  /// It is meant for the time after `leave`, before all is removed.
  public func whatStays() async -> ControlError? {
    guard await workload?.isAlone(id.service) == true, let name = plan.map({ AgentNames.base($0.workload.name) }) else {
      return nil
    }
    let deletions = [Permission("delete", .deployments), Permission("delete", .leases)]
    guard let missing = try? await client.within(.seconds(5)).missing(deletions, namespace: namespace), !missing.isEmpty
    else { return nil }
    let cause =
      "your credentials may not \(missing.map(\.description).joined(separator: ", ")) in namespace \(namespace)"
    let what =
      missing.contains(deletions[0])
      ? "Deployment \(namespace)/\(name) with what it owns, and a Lease, stay" : "a Lease of \(name) stays"
    return ControlError(
      .incomplete, "\(what) in the cluster: \(cause)",
      remedy:
        "Nothing is diverted. Someone who may delete what stays can run "
        + "`devtunnel restore -n \(namespace) --context \(client.access.contextName)`. "
        + "The daemon tries again; `devtunnel status` shows it.")
  }

  /// Returns once all is removed, or something is known to stay.
  public func whenSettled() async -> ControlError? {
    while await !isUndone, !Task.isCancelled {
      if let remains = await remains { return remains }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  // MARK: Reporting

  public func report() async -> InterceptReport {
    if let report = await workload?.report(id.service, since: since, warnings: warnings) { return report }
    return InterceptReport(
      context: client.access.contextName, cluster: id.cluster, namespace: namespace, service: request.service,
      workload: plan?.workload.description ?? "", state: await loss == nil ? .starting : .failedOpen, ports: [],
      holder: context.holder.name, since: Timestamp.seconds(since), message: await loss, warnings: warnings)
  }

  /// Returns the workload's environment: its container's `env` and `envFrom`, with ConfigMaps and Secrets looked up.
  public func workloadEnvironment() async throws(ControlError) -> [String: String] {
    guard let plan else { return [:] }
    if let environment { return environment }
    let container = plan.workload.template.runningContainers.first { $0.entryName == plan.container } ?? [:]
    let read = try await WorkloadEnvironment(client: client, namespace: namespace).read(container)
    environment = read
    return read
  }
}
