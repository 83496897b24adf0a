import Agents
import ControlAPI
import FoundationEssentials
import KubeObjects
import Logging
import Outbound
import Relay
import ShellChannel
import Synchronization
import Workloads

/// One shell's connection to the cluster, from its plan to the end of its command.
public actor ShellSession {
  public nonisolated let id: String
  public nonisolated let request: ShellRequest
  public nonisolated let context: String
  public nonisolated let namespace: String
  public nonisolated let workload: String?
  public nonisolated let link: AgentLink
  private let directory: ShellDirectory
  private let cluster: ClusterIdentity?
  private let plan: OutboundPlan
  private let log: Logger
  private var resolver: ResolverConfiguration
  private var outbound: OnLoop<Outbound>?
  private var peer: OnLoop<ShellPeer>?
  private var helper: Int?
  private var refresher: Task<Void, Never>?
  private var warnings: [String] = []
  /// True once a helper has said hello.
  public private(set) var isEntered = false

  /// - Parameters:
  ///   - cluster: the cluster of `context`.
  ///   - runtime: `ControlPaths.runtime`.
  ///   - link: to the agent whose place the shell takes.
  public init(
    _ request: ShellRequest, cluster: ClusterIdentity, context: String, namespace: String, workload: String?,
    link: AgentLink, runtime: String, log: Logger
  ) throws(ControlError) {
    id = Self.newID()
    self.request = request
    self.cluster = cluster
    self.context = context
    self.namespace = namespace
    self.workload = workload
    self.link = link
    self.log = log
    plan = try OutboundPlan(request.outbound)
    directory = ShellDirectory(runtime: runtime, id: id)
    resolver = ResolverConfiguration()
  }

  /// A shell whose daemon died.
  public init(_ record: ShellRecord, link: AgentLink, runtime: String, log: Logger) throws(ControlError) {
    id = record.id
    request = record.request
    cluster = record.cluster
    context = record.context
    namespace = record.namespace
    workload = record.workload
    self.link = link
    self.log = log
    plan = try OutboundPlan(record.request.outbound)
    directory = ShellDirectory(runtime: runtime, id: record.id)
    resolver = ResolverConfiguration(nameservers: record.resolver, search: record.search, options: record.options)
  }

  // MARK: Before the command

  /// Reads the Pod's settings and writes the helper's plan.
  /// - Parameters:
  ///   - target: the workload whose place it takes; nil for the namespace alone.
  ///   - socket: the one that helpers connect to.
  /// - Returns: the report, without an intercept.
  public func prepare(
    target: ShellTarget?, environment: [String: String], helper: String, socket: String,
    progress: Engine.Progress
  ) async throws(ControlError) -> ShellReport {
    try await link.connected(within: .seconds(60))
    let held = try directory.make()
    let files = PodFiles(link: link)
    resolver = try await files.resolver()
    var shell = ShellPlan(socket: socket, id: id)
    shell.dns = resolver.nameservers
    shell.hostPorts = request.hostPorts
    // Readable by programs of other users too, in case root opens the shell.
    try directory.write(resolver.text.utf8, to: directory.resolvConf, mode: 0o644)
    try directory.write(Self.nsswitch.utf8, to: directory.nsswitch, mode: 0o644)
    shell.resolvConf = directory.resolvConf
    shell.nsswitch = directory.nsswitch
    shell.hosts = try hosts(target?.workload.template)

    // Without a workload there is a gateway, which has no files.
    let (mounts, refused) =
      target.map {
        VolumeMount.read(template: $0.workload.template, container: $0.containerObject, claims: $0.claims)
      } ?? ([], [])
    warnings += (target?.warnings ?? []) + refused
    if !mounts.isEmpty { progress("copying the workload's files") }
    let volumes = podVolumes(mounts, in: held)
    var copied: [VolumeBinds.Copied] = []
    for mount in mounts {
      guard let isDirectory = await copy(mount, volumes) else { continue }
      copied.append(VolumeBinds.Copied(mount: mount, isDirectory: isDirectory))
    }
    shell.binds = binds(of: copied)
    try directory.write(shell.text.utf8, to: directory.plan)
    try ShellRecord(
      id: id, request: request, cluster: cluster, context: context, namespace: namespace, workload: workload,
      resolver: resolver.nameservers, search: resolver.search,
      options: resolver.options, mounts: mounts
    ).write(directory)
    keepFresh(mounts, volumes)

    let own = HostEnvironment(workload: environment, choice: request.variables)
    var variables = own.variables
    variables["DEVTUNNEL_SHELL"] = "\(context)/\(namespace)" + (workload.map { "/\($0)" } ?? "")
    variables["DEVTUNNEL_ROOT"] = directory.root
    return ShellReport(
      id: id, context: context, namespace: namespace, workload: workload, helper: helper, plan: directory.plan,
      environment: variables,
      warnings: warnings + own.warnings)
  }

  /// Names come from files and DNS alone: other sources would ask the host's services.
  private static let nsswitch = """
    passwd: files
    group: files
    shadow: files
    hosts: files dns
    networks: files
    protocols: files
    services: files
    ethers: files
    rpc: files

    """

  /// Writes this machine's `/etc/hosts` with the Pod's hostAliases behind it.
  /// - Returns: the file; nil if the Pod has none, or the machine no such file for it to cover.
  private func hosts(_ template: JSONValue?) throws(ControlError) -> String? {
    let aliases = HostAliases(template: template ?? [:])
    warnings += aliases.warnings
    guard !aliases.lines.isEmpty else { return nil }
    guard let own = FileManager.default.contents(atPath: "/etc/hosts") else {
      warnings.append("the workload's hostAliases are left out: this machine has no /etc/hosts")
      return nil
    }
    let text = aliases.text(after: String(decoding: own, as: UTF8.self))
    try directory.write(text.utf8, to: directory.hosts, mode: 0o644)
    return directory.hosts
  }

  private func podVolumes(_ mounts: [VolumeMount], in directory: HostDirectory) -> PodVolumes {
    let files = PodFiles(link: link)
    return PodVolumes(directory: directory, mounts: mounts, log: log) { path, limit throws(FileProblem) in
      try await files.tree(path, limit: limit)
    }
  }

  /// - Returns: true for a directory; nil if it was not copied.
  private func copy(_ mount: VolumeMount, _ volumes: PodVolumes) async -> Bool? {
    guard mount.isProjected || request.volumes else {
      warnings.append("the files of volume \(mount.name) (\(mount.path)) are not copied; --volumes does")
      return nil
    }
    do throws(FileProblem) {
      guard let outcome = try await volumes.copy(mount) else { return nil }
      if !outcome.leftOut.isEmpty {
        let names = outcome.leftOut.prefix(3).joined(separator: ", ") + (outcome.leftOut.count > 3 ? ", …" : "")
        warnings.append(
          "volume \(mount.name) (\(mount.path)) has links that lead out of it; they are left out: \(names)")
      }
      return outcome.isDirectory
    } catch {
      warnings.append("volume \(mount.name) (\(mount.path)) is left out: \(error.message)")
      return nil
    }
  }

  /// Chooses the copied volumes that are at their own paths too.
  private func binds(of copied: [VolumeBinds.Copied]) -> [(source: String, target: String)] {
    let person = VolumePlace.Person(
      allowed: request.volumesAt.compactMap { try? MountPath($0) }, own: HostPlaces.own(request.ownDirectories))
    let binds = VolumeBinds(copied, person: person, obstacle: HostPlaces.obstacle, look: HostPlaces.look)
    warnings += binds.warnings
    return binds.paths.map { (directory.root + $0.text, $0.text) }
  }

  /// Keeps ConfigMaps, Secrets and tokens fresh, which change while the shell runs.
  private func keepFresh(_ mounts: [VolumeMount], _ volumes: PodVolumes) {
    let files = PodFiles(link: link)
    let projected = mounts.filter { $0.isProjected && (try? MountPath($0.path)) != nil }
    refresher = Task {
      var known: [String: [UInt8]] = [:]
      for mount in projected { known[mount.path] = try? await files.signature(mount.path) }
      while (try? await Task.sleep(for: .seconds(10))) != nil {
        for mount in projected {
          guard let now = try? await files.signature(mount.path), now != known[mount.path] else { continue }
          do throws(FileProblem) {
            if try await volumes.copy(mount) != nil { known[mount.path] = now }
          } catch {
            // The same would be refused again.
            if case .refused = error { known[mount.path] = now }
          }
        }
      }
    }
  }

  /// Continues with another daemon's preparations.
  public func takeOn(_ record: ShellRecord) {
    guard let held = try? directory.make() else { return }
    keepFresh(record.mounts, podVolumes(record.mounts, in: held))
  }

  // MARK: While it runs

  /// Attaches the sockets that the helper has handed over.
  public func attach(_ peer: OnLoop<ShellPeer>, _ hello: ShellHello) async {
    isEntered = true
    helper = Int(hello.pid)
    self.peer = peer
    let (rules, dns) = (plan.rules, plan.dns(pod: resolver, host: HostResolver()))
    let isIntercepted = request.intercept != nil
    let old = outbound
    let place = TapPlace(way: .shell, context: context, namespace: namespace)
    outbound = await link.onLoop { endpoint in
      let loop = endpoint.loop
      old?.get(on: loop).close()
      let peer = peer.get(on: loop)
      let outbound = Outbound(
        loop: loop, sessions: { endpoint.withSession($0) }, routes: RouteTable(rules), dns: dns,
        budget: endpoint.connections, place: place)
      outbound.attach(hello, peer)
      if isIntercepted {
        endpoint.router.makeSocket = { [weak peer] completion in
          guard let peer else { return completion(-1) }
          peer.mint(.tcp(family: 4)) { completion($0?.take() ?? -1) }
        }
      }
      peer.send(.welcome)
      return OnLoop(outbound, on: loop)
    }
  }

  /// Ends the shell's connection: closes its sockets, so that nothing of its namespace is held, and removes its files.
  public func end() async {
    refresher?.cancel()
    let (outbound, isIntercepted) = (outbound, request.intercept != nil)
    self.outbound = nil
    await link.onLoop { endpoint in
      outbound?.get(on: endpoint.loop).close()
      if isIntercepted { endpoint.router.makeSocket = { $0(-1) } }
    }
    directory.remove()
  }

  public func report() async -> OutboundReport {
    var report = OutboundReport(
      id: String(id.prefix(8)), kind: "shell", context: context, namespace: namespace, workload: workload)
    report.pid = helper
    if let outbound {
      let figures = await link.onLoop { endpoint in outbound.get(on: endpoint.loop).figures }
      report.add(figures)
    }
    return report
  }

  /// Returns 32 hex digits that cannot be guessed: anyone who knows them may hand sockets over.
  static func newID() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
  }
}
