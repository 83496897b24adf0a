import Agents
import ControlAPI
import TunnelProtocol

/// The target that an intercept's connections have instead of the host: ports of a Service, Pod or workload of another
/// cluster.
public struct JoinedCluster: Sendable {
  /// Opens the connection to the target; changes nothing if one of the ports is wrong.
  public typealias Open =
    @Sendable (_ ports: [UInt16], _ progress: @escaping Engine.Progress) async throws(ControlError) -> JoinedCluster

  /// The context's name.
  public var context: String
  public var namespace: String
  /// The target as the user named it, such as `svc/user`.
  public var target: String
  /// The tunnel into that cluster.
  public var link: AgentLink
  /// Finds a port of the target as it is now. Throws if there is none.
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

  /// The target for messages, such as `svc/user in context kind-dev`.
  public var description: String { "\(target) in context \(context)" }
}

extension JoinedCluster {
  /// Checks that every port to take over is answered in the other cluster.
  func check(_ plan: InterceptPlan) async throws(ControlError) {
    try await link.connected(within: .seconds(60))
    for port in plan.ports {
      guard let number = port.localPort else { continue }
      let status = await link.probe(try await resolve(number))
      guard status != .connected else { continue }
      throw ControlError(
        .refused,
        "port \(number) of \(description), the target for port \(port.servicePort) of Service \(plan.service), "
          + "does not answer (\(status))",
        remedy: "Check that its Pods are ready, or name another port: "
          + "--port PORT\(plan.ports.count > 1 ? ":\(port.servicePort)" : "").")
    }
  }
}
