import Agents
import ControlAPI
import TunnelProtocol

/// Where an intercept's connections go instead of the host: ports of a Service, Pod or workload of another cluster.
public struct JoinedCluster: Sendable {
  /// Opens the way there; changes nothing where one of the ports is wrong.
  public typealias Open =
    @Sendable (_ ports: [UInt16], _ progress: @escaping Engine.Progress) async throws(ControlError) -> JoinedCluster

  /// The context's name.
  public var context: String
  public var namespace: String
  /// `svc/user`, as it was asked for.
  public var target: String
  /// The tunnel into that cluster.
  public var link: AgentLink
  /// Where a port of the target is now. Throws when it is nowhere.
  public var resolve: @Sendable (_ port: UInt16) async throws(ControlError) -> Preamble

  public init(
    context: String, namespace: String, target: String, link: AgentLink,
    resolve: @escaping @Sendable (_ port: UInt16) async throws(ControlError) -> Preamble
  ) {
    self.context = context
    self.namespace = namespace
    self.target = target
    self.link = link
    self.resolve = resolve
  }

  /// `svc/user in context kind-dev`.
  public var description: String { "\(target) in context \(context)" }
}
