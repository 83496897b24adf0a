// One intercept from its first look at the cluster to the removal of its last object, in order of time. Nothing is
// patched until the agent has reached the origin on every port and is listed in the EndpointSlices.

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Agents
import CLinux
import ControlAPI
import KubeAPI
import KubeObjects
import KubeStreams
import Logging
import Relay
import TunnelProtocol

/// The services that an intercept uses.
public struct InterceptContext: Sendable {
  public var client: KubeClient
  public var relay: RelayThread
  public var installation: Installation
  public var journal: Journal
  public var protocols: CarrierProtocol
  public var holder: Holder
  public var log: Logger

  public init(
    client: KubeClient, relay: RelayThread, installation: Installation, journal: Journal, protocols: CarrierProtocol,
    holder: Holder, log: Logger
  ) {
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
  /// Returns once this daemon has removed its earlier objects for the workload. Throws if it intercepts another Service
  /// of the workload.
  public typealias MakeRoom =
    @Sendable (_ workload: String, _ progress: @escaping Engine.Progress) async throws(ControlError) -> Void

  public nonisolated let request: InterceptRequest
  public nonisolated let id: InterceptID
  public nonisolated var namespace: String { id.namespace }
  nonisolated let context: InterceptContext
  let insideShell: Bool
  private let openJoined: JoinedCluster.Open?
  private let makeRoom: MakeRoom?
  /// The route that connections take instead of the host; nil without one.
  private(set) var joined: JoinedCluster?
  var plan: InterceptPlan?
  public internal(set) var link: AgentLink?
  var lease: WorkloadLease?
  var transitions: UInt64 = 0
  /// The time of the Lease's last renewal.
  var renewed = ContinuousClock.now
  /// The reason why the Lease is not renewed; nil while it is.
  var staleness: String?
  public internal(set) var state = InterceptReport.State.starting
  /// The reason why nothing can fail open; nil while the origin answers.
  var unreached: String?
  /// The number of times in a row that the origin has not answered.
  var misses = 0
  /// A warning about ports of the changed Service that the agent does not carry.
  var uncarried: String?
  var warnings: [String] = []
  /// True if connections that were open before stay with the origin.
  public private(set) var leavesConnections = false
  let since = Date()
  var keepers: [Task<Void, Never>] = []
  /// Renews the Lease until nothing of ours is left.
  var renewal: Task<Void, Never>?
  /// Set once the agent is ours to remove.
  var deployer: AgentDeployer?
  var agentUID: String?
  var isDiverted = false
  /// True if new connections are meant to go to the host.
  var isTurned = false
  /// True if the Service got its selector back for lack of a ready agent; it is diverted again when there is one.
  var hasGivenBack = false
  /// True if someone else took our key out of the selector.
  var isChangedBack = false
  /// True once the agent's Pod has said that it ends.
  var isAgentEnding = false
  /// True after a `leave` that failed: don't divert or turn again; retry the leave.
  var isToBeLeft = false
  var isSilent = false
  var absence = AgentAbsence()
  var guardian: Task<Void, Never>?
  /// The time before which diverting or turning is not tried again.
  var retryAt = ContinuousClock.now
  var undoing: Task<Void, Never>?
  /// The error that keeps something of ours in the cluster, although it was to be undone.
  public internal(set) var remains: ControlError?
  /// True if the server refuses the undoing: waiting does not help.
  var isRefused = false
  /// True if the next intercept waits: steps that only spare a delay are left out.
  var isHurried = false
  /// True if the daemon ends: `finish` does not try forever.
  var isGivenUp = false
  var isOver = false
  var fellBack: UInt64 = 0
  var counters: [UInt16: PortCounters] = [:]
  /// True if another holder has it.
  public internal(set) var isLost = false
  /// A line for `status` about the present state; nil if there is nothing to say.
  public internal(set) var message: String?
  private var environment: [String: String]?

  /// - Parameters:
  ///   - cluster: the one that `context` reaches.
  ///   - insideShell: true if the host's target is a port inside a shell that starts later.
  ///   - joined: opens the connection to the request's target; nil without one.
  ///   - makeRoom: waits for the removal of the daemon's earlier objects for the workload.
  public init(
    _ request: InterceptRequest, cluster: ClusterIdentity, namespace: String, context: InterceptContext,
    insideShell: Bool = false,
    joined: JoinedCluster.Open? = nil, makeRoom: MakeRoom? = nil
  ) {
    self.makeRoom = makeRoom
    self.insideShell = insideShell
    openJoined = joined
    self.request = request
    id = InterceptID(cluster: cluster, namespace: namespace, service: request.service)
    self.context = context
  }

  var client: KubeClient { context.client }
  /// The kubeconfig's name for the cluster.
  public nonisolated var contextName: String { context.client.access.contextName }

  // MARK: Setting up

  /// Returns once new connections arrive at the host. Before it throws, it undoes its changes, or `isUndone` is false
  /// and undoing is still tried.
  public func start(progress: @escaping Engine.Progress) async throws(ControlError) -> InterceptReport {
    do throws(ControlError) {
      try await setUp(progress)
    } catch {
      progress("undoing")
      throw await undone(after: error)
    }
    return await report()
  }

  private func setUp(_ progress: @escaping Engine.Progress) async throws(ControlError) {
    let plan = try await Planner(client: client, namespace: namespace).plan(request)
    self.plan = plan
    warnings += plan.warnings
    if let openJoined {
      let joined = try await openJoined(plan.ports.compactMap(\.localPort), progress)
      self.joined = joined
      try await checkJoined(plan, joined)
    } else if !insideShell {
      try await checkHost(plan)
    }

    try await makeRoom?(plan.workload.name, progress)
    var lease = WorkloadLease(
      client: client, namespace: namespace, workload: plan.workload.name, service: plan.service, holder: context.holder)
    lease.isJournaled = context.journal.all.contains { $0.isSame(as: entry) }
    let others = try await claim(lease, progress)
    try context.journal.add(entry)
    transitions = try await lease.acquire(takeOver: request.takeOver, progress: progress)
    self.lease = lease
    renewed = .now
    keepLease()
    for other in others {
      progress("giving Service \(other) back, which was diverted to the same agent")
      try await ServiceDivert.restore(client: client, namespace: namespace, service: other)
    }

    progress("starting the agent in place of \(plan.workload.description)")
    let identity = try await deploy(plan)
    let link = await AgentLink(
      client: client, relay: context.relay, identity: identity, transitions: transitions, protocols: context.protocols,
      log: context.log)
    self.link = link
    if let joined { try await join(plan, joined, link) } else { await setTargets(plan, link) }
    await link.whenConnected { [weak self] in await self?.sessionStands() }
    await link.whenTold { [weak self] message in await self?.told(message) }
    await link.whenStateChanges { [weak self] state in Task { await self?.linkChanged(state) } }
    progress("connecting to the agent")
    await link.start()
    // The link would retry without end; a Pod that can never start is reported at once.
    let pods = AgentPods(client: client, of: identity)
    _ = try await pods.running(within: .seconds(60), progress: progress)
    try await link.connected(within: .seconds(20))

    let origins = try await reachOrigin(plan, link, progress)
    progress("waiting for the Service's endpoints")
    try await awaitAgentEndpoint(plan)
    try Self.checkCancelled()

    try await divertAndTurn(plan, link, origins: origins)
    keepWatch(plan)
    keepGuard(plan)
    keepOriginInSight(plan)
    if request.replace { try await Replicas.scaleToZero(client: client, namespace: namespace, workload: plan.workload) }
    try await moveConnections(plan, progress)
    try Self.checkCancelled()
  }

  static func checkCancelled() throws(ControlError) {
    if Task.isCancelled { throw ControlError(.cancelled, "cancelled") }
  }

  var entry: Journal.Entry {
    var cluster = request.cluster
    // The kubeconfig's current context may have changed by the next daemon's time.
    cluster.context = client.access.contextName
    cluster.namespace = namespace
    return Journal.Entry(
      cluster: cluster, identity: id.cluster, namespace: namespace, service: request.service,
      workload: plan?.workload.name ?? "")
  }

  /// Refuses, before anything is changed, a workload that is intercepted through another Service: all of them share one
  /// agent.
  /// - Returns: the Services to give back first.
  private func claim(_ lease: WorkloadLease, _ progress: @escaping Engine.Progress) async throws(ControlError)
    -> [String]
  {
    let held = try await lease.settled(takeOver: request.takeOver, progress: progress).held
    let diverted = try await DivertedServices(client: client, namespace: namespace, workload: lease.workload).all()
    let others = diverted.compactMap(\.name).filter { $0 != lease.service }
    switch lease.verdict(held, others: others, takeOver: request.takeOver) {
    case .free(let restoring): return restoring
    case .refused(let refusal): throw refusal
    }
  }

  /// The workload whose agent is this intercept's; nil before it is known, or if another holder has it.
  public var heldWorkload: String? { isLost ? nil : plan?.workload.name }

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

  private func deploy(_ plan: InterceptPlan) async throws(ControlError) -> AgentIdentity {
    let architecture = try await NodeArchitecture.of(plan.nodes.first, client: client)
    var template = AgentPodTemplate(
      workload: plan.workload.name, containerName: plan.container, listen: plan.listen, controlPort: plan.controlPort,
      architecture: architecture)
    template.image = request.agentImage
    template.originName = "\(AgentNames.originService(plan.workload.name)).\(namespace).svc"
    template.agentsName = "\(AgentNames.agentsService(plan.workload.name)).\(namespace).svc"
    template.preferredNodes = plan.nodes
    let claims = try await VolumeClaims.read(client: client, namespace: namespace, template: plan.workload.template)
    template.droppedVolumes = claims.exclusive
    if claims.tiesToNode { template.requiredNode = plan.nodes.first }
    warnings += claims.exclusive.sorted().map {
      "volume \($0) may be mounted by one Pod only: the agent goes without it"
    }
    template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
    let manifests = AgentManifests(
      workload: plan.workload.name, namespace: namespace, holder: context.holder, service: plan.service)
    let deployer = AgentDeployer(client: client, installation: context.installation, manifests: manifests)
    self.deployer = deployer
    if let standing = try await standingAgent(plan, deployer, template) { return standing }
    return try await deployer.deploy(template: template, from: plan.workload.template, selector: plan.selector)
  }

  /// Returns the running agent to which the Service is already diverted, after a take-over or a crash. An agent that
  /// fits is used as it is, so that no connection is lost; else the Service goes back to the origin first.
  private func standingAgent(
    _ plan: InterceptPlan, _ deployer: AgentDeployer, _ template: AgentPodTemplate
  ) async throws(ControlError) -> AgentIdentity? {
    let service = try await attempt("reading Service \(namespace)/\(plan.service)") { () async throws(KubeError) in
      try await client.get(.services, plan.service, namespace: namespace)
    }
    guard ServiceRules(service: service).agent != nil else { return nil }
    // If the count starts over, a running agent knows a higher one and would refuse us.
    if transitions > 1, let standing = try await deployer.existing(),
      try await deployer.stands(standing, as: template, from: plan.workload.template)
    {
      isDiverted = true
      return standing
    }
    try await ServiceDivert.restore(client: client, namespace: namespace, service: plan.service)
    _ = try await ServiceEndpoints.wait(
      client: client, namespace: namespace, service: plan.service, workload: plan.workload.name, within: .seconds(15)
    ) { !$0.origin.isEmpty }
    return nil
  }

  private func setTargets(_ plan: InterceptPlan, _ link: AgentLink) async {
    // Until the shell runs, connections that arrive are refused, and go to the origin.
    if insideShell { await link.onLoop { $0.router.makeSocket = { completion in completion(-1) } } }
    for port in plan.ports {
      guard let host = port.localPort, let address = clinux_address(request.address, port: host) else { continue }
      await link.onLoop { $0.router.setTarget(address, for: port.podPort) }
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
      moves =
        speaks && plan.workload.isRollingUpdate && !plan.workload.isPaused
        && plan.workload.resource.plural != "replicasets" && !request.replace
      // No one can see whether there are any: neither the agent nor the API server knows the origin's connections.
      leavesConnections = !moves
    }
    guard moves else { return }
    progress("\(plan.workload.description) is being restarted, one Pod after the other, so that open connections move")
    let patch: JSONValue = [
      "spec": [
        "template": [
          "metadata": ["annotations": ["kubectl.kubernetes.io/restartedAt": JSONValue(Timestamp.seconds(Date()))]]
        ]
      ]
    ]
    let restarted = try await attempt("restarting \(plan.workload.description)") { () async throws(KubeError) in
      try await client.patch(plan.workload.resource, plan.workload.name, namespace: namespace, type: .strategic, patch)
    }
    self.plan?.workload.generation = restarted.generation ?? plan.workload.generation
    warnings.append("\(plan.workload.description) was restarted so that open connections move")
  }

  // MARK: The workload's environment

  /// Returns the workload's environment: its container's `env` and `envFrom`, with ConfigMaps and Secrets looked up.
  public func workloadEnvironment() async throws(ControlError) -> [String: String] {
    guard let plan else { return [:] }
    if let environment { return environment }
    let containers = plan.workload.template[path: "spec", "containers"]?.elements ?? []
    let container = containers.first { $0.entryName == plan.container } ?? [:]
    let read = try await WorkloadEnvironment(client: client, namespace: namespace).read(container)
    environment = read
    return read
  }
}
