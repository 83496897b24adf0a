import Agents
import ControlAPI
import KubeObjects

extension WayFacts {
  var endpointsHop: WayHop {
    let all = WayEndpoint.all(slices, port: port)
    let ready = all.filter(\.isReady)
    let foreign = Set(all.compactMap(\.keeper)).sorted().map { "some are kept by \($0), not by Kubernetes" }
    if let lost = lostSelector { return lost }
    guard !ready.isEmpty else { return noneReady(all, foreign) }
    let agents = Set(agentPods.compactMap(\.name))
    let withPort = ready.filter(\.hasPort)
    guard !withPort.isEmpty else {
      return WayHop(
        "endpoints", .failed, "the EndpointSlices list no port for \(port?.label ?? "the port") of Service \(name)",
        evidence: foreign, remedy: "no ready Pod has its target port; correct targetPort")
    }
    let (own, others) = (
      withPort.filter { agents.contains($0.pod ?? "") }, withPort.filter { !agents.contains($0.pod ?? "") }
    )
    let waiting = all.filter { !$0.isReady }
    let evidence = foreign + (waiting.isEmpty ? [] : ["not ready: \(some(waiting.map(\.label)))"])
    guard isDiverted else {
      return WayHop("endpoints", .ok, "\(withPort.count) ready: \(some(withPort.map(\.label)))", evidence: evidence)
    }
    if own.isEmpty {
      return WayHop(
        "endpoints", .failed, "Service \(name) is diverted to an agent, and its endpoints list none",
        evidence: evidence, remedy: "devtunnel restore \(name) -n \(namespace) gives the Service its own Pods back")
    }
    let agent = "the agent, Pod \(some(own.map(\.label)))"
    return others.isEmpty
      ? WayHop("endpoints", .ok, "\(agent), alone", evidence: evidence)
      : WayHop(
        "endpoints", .warning,
        "\(agent), and \(some(others.map(\.label))) as well: a part of the requests goes there at once",
        evidence: evidence)
  }

  private func noneReady(_ all: [WayEndpoint], _ foreign: [String]) -> WayHop {
    if all.isEmpty {
      return WayHop(
        "endpoints", .failed, "Service \(name) has no endpoints",
        remedy: ownSelector.isEmpty ? "write an EndpointSlice, or give the Service a selector" : nil)
    }
    return WayHop(
      "endpoints", .failed, "no endpoint of Service \(name) is ready: \(some(all.map(\.label)))", evidence: foreign)
  }

  /// The hop of a Service whose selector was taken back while it is intercepted.
  private var lostSelector: WayHop? {
    guard !isDiverted, let own, own.state == .active || own.state == .failedOpen else { return nil }
    let writers = (service?[path: "metadata", "managedFields"]?.elements ?? []).filter {
      $0[path: "fieldsV1", "f:spec", "f:selector"] != nil
    }
    let writer = writers.max { ($0["time"]?.stringValue ?? "") < ($1["time"]?.stringValue ?? "") }?["manager"]?
      .stringValue
    let reason = own.message.map { [$0] } ?? []
    // The daemon gives the Service back by itself while no agent is ready: the next hops say why that is so.
    if writer == AgentNames.managedBy {
      return WayHop(
        "endpoints", .warning, "your daemon gave Service \(name) its own Pods back until an agent is ready",
        evidence: reason)
    }
    return WayHop(
      "endpoints", .failed,
      "somebody changed the selector of Service \(name), which does not select the agent any more"
        + (writer.map { "; \($0) wrote it last" } ?? ""), evidence: reason,
      remedy: "keep that writer from the Service, then devtunnel leave \(name) and intercept again")
  }
}
