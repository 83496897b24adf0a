import Agents
import Bastion
import ControlAPI
import Exchanges
import Forward
import Glibc
import Intercept
import KubeAPI
import KubeObjects
import KubeStreams
import Logging
import Relay
import Shell
import Threads
import Workloads

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The daemon's engine: intercepts and forwards in any number of clusters, over one relay.
public actor ClusterOperations: Engine {
  public struct Settings: Sendable {
    public var journalPath: String
    /// The folder for shells' files and their socket (`ControlPaths.runtime`).
    public var runtime: String
    /// The holder that Leases name; nil: `alice@laptop`, from the environment.
    public var holder: String?
    /// The agents to bring into clusters; nil: those beside the executable.
    public var installation: Installation?
    /// The path of the installation's id (`InstallationID`).
    public var installationPath: String
    /// The path of the names of this installation's own agents (`AgentRecords`).
    public var agentsPath: String
    /// The time after which a gateway goes that nothing uses.
    public var gatewayIdle = Duration.seconds(600)

    /// - Parameters:
    ///   - installationPath: nil: beside the journal.
    ///   - agentsPath: nil: beside the journal.
    public init(journalPath: String, runtime: String, installationPath: String? = nil, agentsPath: String? = nil) {
      self.journalPath = journalPath
      self.runtime = runtime
      self.installationPath = installationPath ?? journalPath + ".installation"
      self.agentsPath = agentsPath ?? journalPath + ".agents"
    }
  }

  let settings: Settings
  /// Rung when `status` may have changed.
  nonisolated let signal = ChangeSignal()
  nonisolated let relay: RelayThread
  /// The requests that passed.
  let seen = ExchangeStore()
  let othersRequests: OthersRequests
  let journal: Journal
  let log: Logger
  let holder: Holder
  /// This installation's own agents.
  let agents: AgentRecords
  var known = KnownClusters()
  var interceptions: [Interception] = [] { didSet { signal.ring() } }
  /// This daemon's intercepts, by their workloads.
  var workloads: [WorkloadPlace: InterceptedWorkload] = [:]
  /// Intercepts that have been left and still drain.
  var closing: [UUID: Closing] = [:] { didSet { signal.ring() } }
  var left: [LeaveReport] = [] { didSet { signal.ring() } }
  /// An earlier daemon's intercepts that this one has not undone.
  var unrecovered: [Journal.Entry: InterceptReport] = [:] { didSet { signal.ring() } }
  /// Intercepts that an earlier daemon left, as this one found them at its start.
  var former: [Journal.Entry] = []
  /// Connections that `devtunnel explain` made to intercepted Services.
  var wayProbes: [WayProbe: UInt64] = [:]
  var forwards: [Forwarding] = [] { didSet { signal.ring() } }
  /// The names of the forwards' contexts, by their ids.
  var contexts: [String: String] = [:]
  var shells: [ShellSession] = [] { didSet { signal.ring() } }
  var shellAgents: [ShellAgentKey: ShellAgentLink] = [:] { didSet { signal.ring() } }
  var shellHub: Task<OnLoop<ShellHub>?, Never>?
  /// Shells of another daemon that are being resumed.
  var resuming: Set<String> = []
  /// Those of them whose commands have ended meanwhile.
  var endedEarly: Set<String> = []
  /// True once another daemon's changes have been undone.
  var isRecovered = false
  /// An earlier daemon's changes that are being undone.
  var recoveries: [WorkloadPlace: Task<Void, Never>] = [:]
  var bastions = Bastions()
  var proxies: [ProxyConnection] = [] { didSet { signal.ring() } }
  var hosts: [HostConnection] = [] { didSet { signal.ring() } }
  var nextProxy = 1
  var nextForward = 1
  var gateways: [GatewayKey: GatewayLink] = [:] { didSet { signal.ring() } }
  var gatewayKeeper: Task<Void, Never>?
  /// Gateways being started, so that two commands at once start one.
  var starting: [GatewayKey: Task<Result<AgentLink, ControlError>, Never>] = [:]

  struct Closing {
    var interception: Interception
    var task: Task<Void, Never>
  }

  /// The place of an agent.
  struct WorkloadPlace: Hashable {
    var cluster: ClusterIdentity
    var namespace: String
    var workload: String
  }

  struct GatewayKey: Hashable {
    var cluster: ClusterIdentity
    var namespace: String
    var image: String?
  }

  struct GatewayLink {
    var gateway: Gateway
    var link: AgentLink
    var entry: Journal.Entry
    /// The last time at which anything used it.
    var used: ContinuousClock.Instant
  }

  /// Starts the engine.
  /// - Throws: `ControlError` if the kernel gives no descriptors for the relay, or the installation's id can be neither
  ///   read nor made.
  public init(_ settings: Settings, log: Logger) throws(ControlError) {
    guard let relay = RelayThread() else {
      throw ControlError(
        .failed, "the relay's thread could not be started", remedy: "Raise the limit of open files (ulimit -n).")
    }
    relay.limit(ConnectionLimits(openFiles: OpenFiles.limit))
    relay.look { [seen] in ExchangeTaps(seen) }
    self.settings = settings
    self.relay = relay
    othersRequests = OthersRequests(seen)
    self.log = log
    journal = Journal(path: settings.journalPath)
    agents = AgentRecords(path: settings.agentsPath)
    let id = try InstallationID.load(path: settings.installationPath)
    if let notice = id.notice { log.warning("\(notice)") }
    holder = Holder(name: settings.holder ?? Self.identity(), installation: id.text)
    // A cluster that an earlier daemon knew keeps its identity.
    for entry in journal.all { if let identity = entry.identity { _ = known.identity(of: identity) } }
  }

  /// Returns `alice@laptop`, the holder that Leases name.
  static func identity() -> String {
    let user =
      ProcessInfo.processInfo.environment["USER"] ?? ProcessInfo.processInfo.environment["LOGNAME"] ?? "uid-\(getuid())"
    return "\(user)@\(ProcessInfo.processInfo.hostName)"
  }

  func installation() throws(ControlError) -> Installation {
    if let chosen = settings.installation { return chosen }
    return try Installation.find()
  }

  // MARK: Clusters

  /// Reads the kubeconfig; nothing is sent.
  func open(_ cluster: ClusterSelection) throws(ControlError) -> KubeClient {
    do {
      // Use the client's own files, not those of the environment that started the daemon.
      var environment = ProcessInfo.processInfo.environment
      environment["KUBECONFIG"] = cluster.kubeconfig.isEmpty ? nil : cluster.kubeconfig.joined(separator: ":")
      let present = cluster.kubeconfig.filter { FileManager.default.fileExists(atPath: $0) }
      if !cluster.kubeconfig.isEmpty, present.isEmpty {
        throw KubeError.config(
          file: cluster.kubeconfig.joined(separator: ":"), problem: "there is no such file",
          remedy: "name a kubeconfig with --kubeconfig or KUBECONFIG")
      }
      let access = try ClusterAccess.load(
        context: cluster.context, namespace: cluster.namespace, environment: environment)
      return KubeClient(try through(cluster.bastion, access), log: log)
    } catch let error as KubeError {
      throw ControlError(error, doing: "reading the kubeconfig")
    } catch let error as ControlError {
      throw error
    } catch {
      throw ControlError(.failed, "\(error)")
    }
  }

  private func through(_ selection: BastionSelection?, _ access: ClusterAccess) throws(ControlError) -> ClusterAccess {
    guard let (_, connection) = try bastions.connection(selection, context: access.contextName) else { return access }
    var access = access
    access.connector = connection.connector
    return access
  }

  /// Logs in to the bastion, if there is one: its problems are reported before any request.
  func enterBastion(_ cluster: ClusterSelection, context: String) async throws(ControlError) {
    guard let (url, connection) = try bastions.connection(cluster.bastion, context: context) else { return }
    do throws(BastionError) {
      try await connection.connect()
    } catch {
      bastions.forget(url, cluster.bastion)
      throw ControlError(error, url: url)
    }
  }

  public func answer(_ answer: BastionAnswer) { bastions.take(answer) }

  /// Connects to a cluster. A server that cannot be reached is reported in seconds, not after every retry.
  func reach(_ cluster: ClusterSelection) async throws(ControlError) -> ReachedCluster {
    let client = try open(cluster)
    try await enterBastion(cluster, context: client.access.contextName)
    var probe = client.within(.seconds(10))
    probe.retry = RetryPolicy(attempts: 2)
    let once = probe
    let identity = try await attempt("asking the API server of context \(client.access.contextName)") {
      () async throws(KubeError) in
      try await identify(once, cluster)
    }
    return ReachedCluster(client: client, identity: identity)
  }

  // MARK: Intercepts

  public func intercept(_ request: InterceptRequest, progress: @escaping Progress) async throws -> InterceptReport {
    try await begin(request, insideShell: false, progress: progress).report
  }

  /// - Parameter insideShell: true if the host's target is a port inside a shell that starts later.
  func begin(
    _ request: InterceptRequest, insideShell: Bool, progress: @escaping Progress
  ) async throws -> (interception: Interception, report: InterceptReport) {
    if insideShell, request.target != nil {
      throw ControlError(.badInput, "an intercept into a shell cannot have another target")
    }
    let installation = try installation()
    let there = try await reach(request.cluster)
    let client = there.client
    let id = InterceptID(cluster: there.identity, namespace: there.namespace, service: request.service)
    // Nothing is awaited until it is in the list, so that of two commands at once, one is first.
    try await refuseSecond(id)
    former.removeAll { $0.namespace == id.namespace && $0.service == id.service }
    log.info("intercept", metadata: ["service": "\(id.namespace)/\(id.service)", "server": "\(client.access.server)"])
    let context = InterceptContext(
      client: client, relay: relay, installation: installation, journal: journal, protocols: request.cluster.protocols,
      holder: holder, log: log, changes: signal)
    let interception = Interception(
      request, cluster: id.cluster, namespace: id.namespace, context: context, insideShell: insideShell,
      joined: joining(request, there)
    ) { workload, progress throws(ControlError) in
      let place = WorkloadPlace(cluster: id.cluster, namespace: id.namespace, workload: workload)
      try await self.makeRoom(in: place, for: id, progress)
      return await self.workload(place, context)
    }
    interceptions.append(interception)
    do {
      var report = try await interception.start(progress: progress)
      report.warnings = client.access.warnings + report.warnings
      if request.environment {
        let environment = HostEnvironment(
          workload: try await interception.workloadEnvironment(), choice: request.variables)
        report.environment = environment.variables
        report.warnings += environment.warnings
      }
      return (interception, report)
    } catch {
      if await interception.isUndone {
        interceptions.removeAll { $0 === interception }
      } else {
        forget(interception)
      }
      throw error
    }
  }

  /// Removes an intercept from the list once nothing of it is left.
  private func forget(_ interception: Interception) {
    Task {
      await interception.untilUndone()
      interceptions.removeAll { $0 === interception }
    }
  }

  /// Refuses a second intercept of one Service.
  private func refuseSecond(_ id: InterceptID) async throws(ControlError) {
    guard let other = interceptions.first(where: { $0.id == id }) else { return }
    guard await other.isUndone else {
      throw ControlError(
        .conflict, "the former intercept of \(id.service) in \(id.namespace) is still being undone",
        remedy: "`devtunnel status` shows it; try again.")
    }
    throw ControlError(
      .conflict, "you intercept \(id.service) in \(id.namespace) already",
      remedy: "`devtunnel leave \(id.service)` first, or look at `devtunnel status`.")
  }

  func workload(_ place: WorkloadPlace, _ context: InterceptContext) -> InterceptedWorkload {
    if let known = workloads[place] { return known }
    let new = InterceptedWorkload(
      cluster: place.cluster, namespace: place.namespace, workload: place.workload, context: context)
    workloads[place] = new
    return new
  }

  /// Returns once the remains of the Service's last intercept are not in the next one's way.
  private func makeRoom(in place: WorkloadPlace, for id: InterceptID, _ progress: Progress) async throws(ControlError) {
    for item in closing.values where item.interception.id == id {
      await item.interception.hurry()
      let open = await item.interception.openConnections()
      let drain = open == 0 ? "" : ": \(open == 1 ? "one connection is" : "\(open) connections are") open on the host"
      progress("waiting for the former intercept of \(item.interception.id.service) to end\(drain)")
      if let problem = await item.interception.whenSettled() { throw problem }
      if Task.isCancelled { throw ControlError(.cancelled, "cancelled") }
    }
    if let recovery = recoveries[place] {
      progress("waiting until an earlier daemon's changes to \(place.workload) are undone")
      await recovery.value
    }
  }

  public func leave(_ request: LeaveRequest, progress: @escaping Progress) async throws -> [LeaveReport] {
    let chosen = try await interceptions(matching: request)
    var reports: [LeaveReport] = []
    var problem: ControlError?
    for interception in chosen {
      do throws(ControlError) {
        try await interception.leave(drain: .seconds(request.drain), progress: progress)
      } catch {
        if error.code != .cancelled { forget(interception) }
        throw error
      }
      interceptions.removeAll { $0 === interception }
      let (id, context) = (interception.id, interception.contextName)
      let key = UUID()
      let task = Task {
        let cut = await interception.finish()
        closed(key, LeaveReport(id, context: context, cut: cut))
      }
      closing[key] = Closing(interception: interception, task: task)
      if let staying = await interception.whatStays() { problem = staying.after(problem) }
      let why = await interception.loss
      reports.append(
        LeaveReport(
          id, context: context, cut: 0, restored: why == nil,
          message: why.map { "\($0): nothing of yours was left to undo" }
            ?? "connections on the host have \(Int(saturating: request.drain)) s to end"))
    }
    if let problem { throw problem }
    return reports
  }

  private func closed(_ id: UUID, _ report: LeaveReport) {
    closing[id] = nil
    left = (left + [report]).suffix(10)
    log.info("left", metadata: ["service": "\(report.namespace)/\(report.service)", "cut": "\(report.cut)"])
  }

  private func interceptions(matching request: LeaveRequest) async throws(ControlError) -> [Interception] {
    var choice = LeaveChoice(request: request)
    if request.id == nil, let named = request.cluster { choice.cluster = try await identity(naming: named) }
    let all = interceptions
    do throws(ControlError) {
      return try choice.choose(among: all.map(Self.candidate)).map { all[$0] }
    } catch {
      guard error.code == .notFound, let staying = await stayed(choice) else { throw error }
      throw staying
    }
  }

  private static func candidate(_ interception: Interception) -> LeaveChoice.Candidate {
    LeaveChoice.Candidate(
      id: interception.id, context: interception.contextName, kubeconfig: interception.request.cluster.kubeconfig)
  }

  /// Returns the error that keeps something of an intercept in the cluster that was left already.
  private func stayed(_ choice: LeaveChoice) async -> ControlError? {
    var choice = choice
    choice.request.all = true
    let left = closing.values.map(\.interception)
    for index in (try? choice.choose(among: left.map(Self.candidate))) ?? [] {
      if let remains = await left[index].remains { return remains }
    }
    return nil
  }
}

extension ControlError {
  /// Adds this error's message to an earlier one, if there is one.
  fileprivate func after(_ first: ControlError?) -> ControlError {
    guard var first else { return self }
    first.details.append(message)
    return first
  }
}

extension ClusterSelection {
  /// The same choice in KubeStreams' terms.
  var protocols: CarrierProtocol {
    switch portForwardProtocol {
    case .auto: .auto
    case .spdy: .spdy
    case .v4: .v4
    }
  }
}
