import Agents
import TunnelProtocol

/// The requests of an intercept with rules that others get, as its agent can report them.
public struct WatchedIntercept: Sendable {
  public typealias Take = @Sendable ([WatchedRecordReader.Event]) -> Void

  /// Lets the agent report the requests to one of its ports; nil without a session.
  public var watch: @Sendable (_ port: UInt16, @escaping Take) async -> RequestsWatching?
  public var context: String
  public var namespace: String
  public var service: String
  /// The agent's ports, and the workload's.
  public var ports: [UInt16: UInt16]
  /// The number of this installation at the agent.
  public var own: UInt64
  /// Returns the names of the others, by their numbers, as the cluster has them now.
  public var names: @Sendable () async -> [UInt64: String]

  public init(
    watch: @escaping @Sendable (_ port: UInt16, @escaping Take) async -> RequestsWatching?, context: String,
    namespace: String, service: String, ports: [UInt16: UInt16], own: UInt64,
    names: @escaping @Sendable () async -> [UInt64: String]
  ) {
    self.watch = watch
    self.context = context
    self.namespace = namespace
    self.service = service
    self.ports = ports
    self.own = own
    self.names = names
  }
}

extension InterceptedWorkload {
  func watched(_ service: String) -> WatchedIntercept? {
    guard let link, let member = members[service], member.request.rules != nil else { return nil }
    return WatchedIntercept(
      watch: { await link.watch($0, take: $1) }, context: client.access.contextName, namespace: namespace,
      service: service,
      ports: Dictionary(member.plan.ports.map { ($0.agentPort, $0.podPort) }) { first, _ in first },
      own: context.holder.number,
      names: { [weak self] in await self?.holderNames() ?? [:] })
  }

  private func holderNames() async -> [UInt64: String] {
    let holders = Set(await presentClaims().all.map(\.claim.holder)).map { Holder(identity: $0) }
    return Dictionary(holders.map { ($0.number, $0.told(to: context.holder)) }) { first, _ in first }
  }
}
