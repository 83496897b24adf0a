import Agents
import ControlAPI
import Relay
import TunnelProtocol

// Joining to a Service or Pod of another cluster: each connection's stream is joined to one of the tunnel into that
// cluster, on the relay's thread.

extension Interception {
  /// Checks that every port to take over is answered in the other cluster.
  func checkJoined(_ plan: InterceptPlan, _ joined: JoinedCluster) async throws(ControlError) {
    try await joined.link.connected(within: .seconds(60))
    for port in plan.ports {
      guard let number = port.localPort else { continue }
      let status = await joined.link.probe(try await joined.resolve(number))
      guard status != .connected else { continue }
      throw ControlError(
        .refused,
        "port \(number) of \(joined.description), the target for port \(port.servicePort) of Service \(plan.service), "
          + "does not answer (\(status))",
        remedy: "Check that its Pods are ready, or name another port: "
          + "--port PORT\(plan.ports.count > 1 ? ":\(port.servicePort)" : "").")
    }
  }

  /// Routes the agent's connections into the other cluster from now on.
  func join(_ plan: InterceptPlan, _ joined: JoinedCluster, _ link: AgentLink) async throws(ControlError) {
    let (failures, tell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    var targets: [UInt16: OnLoop<JoinedTarget>] = [:]
    for port in plan.ports {
      guard let number = port.localPort else { continue }
      let preamble = try await joined.resolve(number)
      let way = joined.link.endpoint
      targets[number] = await link.onLoop { endpoint in
        let target = JoinedTarget(endpoint: way.get(on: endpoint.loop), preamble: preamble) { _ in tell.yield() }
        endpoint.router.join(target, for: port.podPort)
        return OnLoop(target, on: endpoint.loop)
      }
    }
    keepers.append(
      Task { [weak self, targets] in for await _ in failures { await self?.findAgain(targets, joined, link) } })
  }

  /// Looks the targets up again: one that refused may have moved, since its Pod was replaced or its Service recreated.
  /// While it cannot be found, connections go to the origin at once.
  private func findAgain(_ targets: [UInt16: OnLoop<JoinedTarget>], _ joined: JoinedCluster, _ link: AgentLink) async {
    var isMissing = false
    repeat {
      let wasMissing = isMissing
      isMissing = false
      for (number, target) in targets {
        do throws(ControlError) {
          let preamble = try await joined.resolve(number)
          await link.onLoop { target.get(on: $0.loop).preamble = preamble }
        } catch {
          // An API server that does not answer says nothing about the target.
          guard error.code == .notFound || error.code == .failed else { continue }
          isMissing = true
          await link.onLoop { target.get(on: $0.loop).preamble = nil }
          message = "\(joined.description) cannot be found: \(error.message); new connections go to the origin"
        }
      }
      if wasMissing, !isMissing, state == .active { message = nil }
      try? await Task.sleep(for: .milliseconds(500))
    } while isMissing && !Task.isCancelled
  }
}
