import Agents
import ControlAPI
import Logging
import Outbound
import Relay
import ShellChannel

/// One `devtunnel connect --host`: it routes TCP connections of the whole machine, and of Pods bridged to it, to a
/// cluster's addresses, and resolves the cluster's names for such Pods.
public actor HostConnection {
  public nonisolated let id: String
  private let context: String
  private let namespace: String
  public nonisolated let link: AgentLink
  private let ranges: HostRanges
  private let excluded: [CIDR]
  private let bridges: [String]
  private let plan: OutboundPlan
  /// The machine's own.
  private let resolver = HostResolver()
  private let directory: ShellDirectory
  /// As the Pods' resolv.conf has it; nil before the plan is written.
  private var dns: DNSSettings?
  private var outbound: OnLoop<Outbound>?
  private var helper: Int?
  /// True once a helper has said hello.
  public private(set) var isEntered = false

  /// - Parameters:
  ///   - ranges: the cluster's; at least one.
  ///   - excluded: addresses that are routed for no one: the API server's, and those of clusters on this machine.
  public init(
    _ request: ConnectRequest, context: String, namespace: String, link: AgentLink, ranges: HostRanges,
    excluded: [CIDR], runtime: String
  ) throws(ControlError) {
    id = ShellSession.newID()
    self.context = context
    self.namespace = namespace
    self.link = link
    self.ranges = ranges
    self.excluded = excluded
    bridges = request.bridges
    plan = try OutboundPlan(request.outbound)
    directory = ShellDirectory(runtime: runtime, id: id)
  }

  /// Writes the helper's plan.
  public func prepare(helper: String, socket: String) async throws(ControlError) -> ShellReport {
    try await link.connected(within: .seconds(60))
    let (dns, notes) = plan.machineDNS(pod: try await PodFiles(link: link).resolver(), host: resolver)
    self.dns = dns
    try directory.make()
    let lines =
      ["socket \(socket)", "id \(id)"] + ranges.led.map { "cluster-cidr \($0)" } + excluded.map { "exclude \($0)" }
      + bridges.map { "bridge \($0)" }
      + resolver.servers.map(\.address).filter { !$0.isIPv6 }.map { "nameserver \($0)" }
    try directory.write((lines.joined(separator: "\n") + "\n").utf8, to: directory.plan)
    return ShellReport(
      id: id, context: context, namespace: namespace, workload: nil, helper: helper, plan: directory.plan,
      environment: [:], warnings: ranges.notes + notes)
  }

  /// Attaches the sockets that the helper has handed over.
  public func attach(_ peer: OnLoop<ShellPeer>, _ hello: ShellHello) async throws(ControlError) {
    isEntered = true
    helper = Int(hello.pid)
    guard var dns else { throw ControlError(.failed, "a helper came before its plan was written") }
    dns.clusterRanges = ranges.led
    dns.hostSourcePorts = DNSSettings.ownSourcePorts
    // The rules bring only the cluster's addresses here, whatever they are.
    var rules = plan.rules
    rules.viaCluster += ranges.led + ranges.aliases.entries.map(\.real)
    rules.aliases = ranges.aliases
    let place = TapPlace(way: .shell, context: context, namespace: namespace)
    outbound = await link.onLoop { [rules, dns] endpoint in
      let peer = peer.get(on: endpoint.loop)
      let outbound = Outbound(
        loop: endpoint.loop, sessions: { endpoint.withSession($0) }, routes: RouteTable(rules), dns: dns,
        budget: endpoint.connections, place: place)
      outbound.attach(hello, peer)
      peer.send(.welcome)
      return OnLoop(outbound, on: endpoint.loop)
    }
  }

  /// Closes all connections and removes its directory.
  public func end() async {
    let outbound = outbound
    self.outbound = nil
    await link.onLoop { endpoint in outbound?.get(on: endpoint.loop).close() }
    directory.remove()
  }

  public func report() async -> OutboundReport {
    var report = OutboundReport(id: String(id.prefix(8)), kind: "host", context: context, namespace: namespace)
    report.pid = helper
    if let outbound {
      let figures = await link.onLoop { endpoint in outbound.get(on: endpoint.loop).figures }
      report.add(figures)
    }
    return report
  }
}
