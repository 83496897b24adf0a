import Agents
import ControlAPI
import KubeObjects

/// The route of each port of the intercepted Service, by the user's `--port` options.
struct PortMap {
  /// `NAMESPACE/NAME`.
  let service: String
  var ports: [PlannedPort]
  /// Its UDP ports, which cannot be taken over.
  var datagrams: [JSONValue] = []

  /// Sets the ports that are taken over.
  /// - Parameters:
  ///   - wanted: the user's options; empty takes every port.
  ///   - toService: true if the target is a Service of another cluster: it answers on its own ports, while a process on
  ///     the host, or a Pod, answers on the container's.
  /// - Throws: `ControlError` for an option that names no port, or that cannot be followed.
  mutating func map(_ wanted: [PortMapping], toService: Bool) throws(ControlError) {
    if wanted.isEmpty {
      for index in ports.indices {
        ports[index].localPort = toService ? UInt16(exactly: ports[index].servicePort) : ports[index].agentPort
      }
    } else {
      for mapping in wanted { try take(mapping) }
      try refuseSplit()
    }
    joinShared()
  }

  /// Returns the ports that the options name; all of them if there are none.
  func taken(_ wanted: [PortMapping]) throws(ControlError) -> [PlannedPort] {
    guard !wanted.isEmpty else { return ports }
    var map = self
    for mapping in wanted { try map.take(mapping) }
    return map.ports.filter { $0.localPort != nil }
  }

  private mutating func take(_ mapping: PortMapping) throws(ControlError) {
    let index = try index(of: mapping)
    guard ports[index].localPort == nil else {
      throw ControlError(
        .badInput, "port \(ports[index].servicePort) is given twice", remedy: "Give each port of the Service once.")
    }
    ports[index].localPort = mapping.local
  }

  private func index(of mapping: PortMapping) throws(ControlError) -> Int {
    let all = ports.map(\.label).joined(separator: ", ")
    guard let name = mapping.remote else {
      if ports.count == 1 { return 0 }
      throw ControlError(
        .badInput, "Service \(service) has several ports: \(all)", remedy: "Say which: --port \(mapping.local):PORT.")
    }
    if let index = ports.firstIndex(where: { String($0.servicePort) == name || $0.name == name }) { return index }
    if let port = datagrams.first(where: { $0.isPort(name) }) {
      throw ControlError(
        .refused, "port \(port.portLabel) of Service \(service) is UDP, and an intercept takes over TCP ports",
        remedy: "Leave it out: its datagrams go to the workload's own Pods. Its TCP ports: \(all).")
    }
    throw ControlError(.notFound, "Service \(service) has no port '\(name)'", remedy: "It has: \(all).")
  }

  // MARK: Ports of the Service that target one port of the Pods

  /// Refuses two targets for one port of the Pods: the agent sees the Pods' port alone, not the Service's.
  private func refuseSplit() throws(ControlError) {
    for port in ports {
      guard let local = port.localPort,
        let other = ports.first(where: { $0.agentPort == port.agentPort && $0.localPort ?? local != local })
      else { continue }
      throw ControlError(
        .refused,
        "ports \(port.label) and \(other.label) of Service \(service) target the same port of its Pods, "
          + "\(port.agentPort): they cannot go to different ports, \(local) and \(other.localPort ?? 0)",
        remedy: "Give one of them: the other comes along.")
    }
  }

  /// Takes the ports along that target the same port of the Pods as one that is taken over.
  private mutating func joinShared() {
    for index in ports.indices {
      let target = ports[index].agentPort
      let first = ports.firstIndex { $0.agentPort == target && $0.localPort != nil && $0.along == nil }
      guard let first, first != index else { continue }
      if ports[index].localPort != ports[first].localPort { ports[index].along = ports[first].servicePort }
      ports[index].localPort = ports[first].localPort
    }
  }

  /// A warning for each port that comes along.
  var warnings: [String] {
    ports.compactMap { port in
      guard let along = port.along, let first = ports.first(where: { $0.servicePort == along }) else { return nil }
      return "port \(port.label) of Service \(service) comes along with port \(first.label): "
        + "both target port \(port.agentPort) of its Pods, where their connections cannot be distinguished"
    }
  }
}
