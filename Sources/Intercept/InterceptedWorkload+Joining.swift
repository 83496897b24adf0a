import Agents
import ControlAPI
import Relay
import TunnelProtocol

// Joining to a Service or Pod of another cluster: each connection's stream is joined to one of the tunnel into that
// cluster, on the relay's thread.

extension InterceptedWorkload {
  /// Routes the agent's connections to a Service's ports into the other cluster from now on.
  func join(_ service: String, _ plan: InterceptPlan, _ joined: JoinedCluster, _ link: AgentLink)
    async throws(ControlError)
  {
    let (failures, tell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    var targets: [UInt16: OnLoop<JoinedTarget>] = [:]
    for port in plan.ports {
      guard let number = port.localPort else { continue }
      let preamble = try await joined.resolve(number)
      let way = joined.link.endpoint
      targets[number] = await link.onLoop { endpoint in
        let target = JoinedTarget(endpoint: way.get(on: endpoint.loop), preamble: preamble) { _ in tell.yield() }
        endpoint.router.join(target, for: port.agentPort)
        return OnLoop(target, on: endpoint.loop)
      }
    }
    change(service) {
      $0.feeds.append(
        Task { [weak self, targets] in
          for await _ in failures { await self?.findAgain(service, targets, joined, link) }
        })
    }
  }

  /// Looks the targets up again: one that refused may have moved, since its Pod was replaced or its Service recreated.
  /// While it cannot be found, connections go to the origin at once.
  private func findAgain(
    _ service: String, _ targets: [UInt16: OnLoop<JoinedTarget>], _ joined: JoinedCluster, _ link: AgentLink
  ) async {
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
          let text = "\(joined.description) cannot be found: \(error.message); new connections go to the origin"
          change(service) { $0.fallBacks = text }
        }
      }
      if wasMissing, !isMissing { change(service) { $0.fallBacks = nil } }
      try? await Task.sleep(for: .milliseconds(500))
    } while isMissing && !Task.isCancelled
  }
}
