import Agents
import ControlAPI
import FoundationEssentials
import KubeObjects
import Logging
import Outbound
import Relay
import ShellChannel
import Synchronization

/// One shell's way into the cluster, from its plan to the end of its command.
public actor ShellSession {
  public nonisolated let id: String
  public nonisolated let request: ShellRequest
  public nonisolated let context: String
  public nonisolated let namespace: String
  public nonisolated let workload: String?
  public nonisolated let link: AgentLink
  private let directory: ShellDirectory
  private let plan: OutboundPlan
  private let log: Logger
  private var resolver: ResolverConfiguration
  private var outbound: OnLoop<Outbound>?
  private var peer: OnLoop<ShellPeer>?
  private var helper: Int?
  private var refresher: Task<Void, Never>?
  private var warnings: [String] = []
  /// Set once a helper has said hello.
  public private(set) var isEntered = false

  /// - Parameters:
  ///   - runtime: `ControlPaths.runtime`.
  ///   - link: to the agent whose place the shell takes.
  public init(
    _ request: ShellRequest, context: String, namespace: String, workload: String?, link: AgentLink, runtime: String, log: Logger
  ) throws(ControlError) {
    id = Self.newID()
    self.request = request
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

  /// Reads what the Pod has and writes what the helper needs.
  /// - Parameters:
  ///   - target: the workload's template and container; nil for the namespace alone.
  ///   - socket: where helpers connect.
  /// - Returns: the report, without an intercept.
  public func prepare(
    template: JSONValue?, container: JSONValue?, environment: [String: String], helper: String, socket: String, progress: Engine.Progress
  ) async throws(ControlError) -> ShellReport {
    try await link.connected(within: .seconds(60))
    try directory.make()
    let files = PodFiles(link: link)
    resolver = try await files.resolver()
    var shell = ShellPlan(socket: socket, id: id)
    shell.dns = resolver.nameservers
    shell.hostPorts = request.hostPorts
    try directory.write(resolver.text, to: directory.resolvConf)
    try directory.write(Self.nsswitch, to: directory.nsswitch)
    shell.resolvConf = directory.resolvConf
    shell.nsswitch = directory.nsswitch

    let mounts = VolumeMount.read(template: template ?? [:], container: container ?? [:])
    if !mounts.isEmpty { progress("copying the workload's files") }
    for mount in mounts {
      guard let place = await copy(mount, files) else { continue }
      if let obstacle = MountPoint.obstacle(mount.path) {
        warnings.append("volume \(mount.name) stands at $DEVTUNNEL_ROOT\(mount.path) alone: \(obstacle)")
      } else {
        shell.binds.append((place, mount.path))
      }
    }
    try shell.write(to: directory.plan)
    try ShellRecord(
      id: id, request: request, context: context, namespace: namespace, workload: workload, resolver: resolver.nameservers, search: resolver.search,
      options: resolver.options, mounts: mounts.filter(\.isProjected)
    ).write(directory)
    keepFresh(mounts.filter(\.isProjected))

    let own = ShellEnvironment(workload: environment, exclude: request.environmentExclude)
    var variables = own.variables
    variables["DEVTUNNEL_SHELL"] = "\(context)/\(namespace)" + (workload.map { "/\($0)" } ?? "")
    variables["DEVTUNNEL_ROOT"] = directory.root
    return ShellReport(
      id: id, context: context, namespace: namespace, workload: workload, helper: helper, plan: directory.plan, environment: variables,
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

  private func copy(_ mount: VolumeMount, _ files: PodFiles) async -> String? {
    guard mount.isProjected || request.volumes else {
      warnings.append("the files of volume \(mount.name) (\(mount.path)) are not copied; --volumes does")
      return nil
    }
    let volumes = PodVolumes(files: files, root: directory.root, log: log)
    do throws(FileProblem) {
      return try await volumes.copy(mount)
    } catch {
      let why =
        switch error {
        case .notFound: "the Pod does not have it"
        case .unreadable: "it cannot be read"
        case .tooLarge: "it has more than \(PodFiles.limit >> 20) MiB"
        case .interrupted: "the tunnel ended on the way"
        }
      warnings.append("volume \(mount.name) (\(mount.path)) is not there: \(why)")
      return nil
    }
  }

  /// ConfigMaps, Secrets and tokens change while the shell lives.
  private func keepFresh(_ mounts: [VolumeMount]) {
    let files = PodFiles(link: link)
    let volumes = PodVolumes(files: files, root: directory.root, log: log)
    refresher = Task {
      var known: [String: [UInt8]] = [:]
      for mount in mounts { known[mount.path] = try? await files.signature(mount.path) }
      while (try? await Task.sleep(for: .seconds(10))) != nil {
        for mount in mounts {
          guard let now = try? await files.signature(mount.path), now != known[mount.path] else { continue }
          if (try? await volumes.copy(mount)) != nil { known[mount.path] = now }
        }
      }
    }
  }

  /// Goes on with what another daemon prepared.
  public func takeOn(_ record: ShellRecord) { keepFresh(record.mounts) }

  // MARK: While it lives

  /// The helper has handed its sockets over.
  public func attach(_ peer: OnLoop<ShellPeer>, _ hello: ShellHello) async {
    isEntered = true
    helper = Int(hello.pid)
    self.peer = peer
    let (rules, dns) = (plan.rules, plan.dns(pod: resolver, host: Self.hostResolver()))
    let isIntercepted = request.intercept != nil
    let old = outbound
    outbound = await link.onLoop { endpoint in
      let loop = endpoint.loop
      old?.get(on: loop).close()
      let peer = peer.get(on: loop)
      let outbound = Outbound(loop: loop, sessions: { endpoint.withSession($0) }, routes: RouteTable(rules), dns: dns)
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

  /// Ends the shell's way: its sockets are closed, so that nothing of its namespace is held, and its files removed.
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

  /// Closes what the daemon holds, and leaves the files for the next daemon.
  public func suspend() async {
    refresher?.cancel()
    let outbound = outbound
    await link.onLoop { endpoint in outbound?.get(on: endpoint.loop).close() }
  }

  public func report() async -> OutboundReport {
    var report = OutboundReport(id: String(id.prefix(8)), kind: "shell", context: context, namespace: namespace, workload: workload)
    report.pid = helper
    if let outbound {
      let figures = await link.onLoop { endpoint in outbound.get(on: endpoint.loop).figures }
      report.add(figures)
    }
    return report
  }

  /// 32 hex digits that nobody can guess: who knows them may hand sockets over.
  static func newID() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
  }

  static func hostResolver() -> ResolverConfiguration {
    let data = FileManager.default.contents(atPath: "/etc/resolv.conf") ?? Data()
    return ResolverConfiguration(parsing: String(decoding: data, as: UTF8.self))
  }
}
