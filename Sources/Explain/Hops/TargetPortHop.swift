import ControlAPI
import KubeObjects

extension WayFacts {
  /// The Service's target port in its Pods; nil without Pods.
  var targetPortHop: WayHop? {
    guard let port, let pod = originPods.first else { return nil }
    let declared = originPods.flatMap(\.declaredPorts).filter { $0.transport == "TCP" }
    let all = Set(declared.compactMap(Self.label)).sorted()
    let change = "kubectl -n \(namespace) edit service \(name)"
    switch port.target {
    case .name(let wanted):
      let lacking = originPods.filter { port.number(in: $0) == nil }
      if lacking.isEmpty {
        return answered(
          WayHop("target port", .ok, "named \(wanted), which is \(port.number(in: pod) ?? 0) in the Pods"))
      }
      return WayHop(
        "target port", isLedByAgent && lacking.count < originPods.count ? .warning : .failed,
        "port \(port.label) of Service \(name) leads to the container port named \(wanted), which "
          + (lacking.count == originPods.count ? "no container declares" : "\(count(lacking.count, "Pod")) lack"),
        evidence: all.isEmpty ? ["the containers declare no ports"] : ["the containers declare: \(some(all, 8))"],
        remedy: "correct targetPort: \(change)")
    case .number(let number):
      if all.isEmpty { return answered(WayHop("target port", .ok, "\(number); the containers declare no ports")) }
      if declared.contains(where: { $0["containerPort"]?.intValue == number }) {
        return answered(WayHop("target port", .ok, "\(number), which the Pods' containers declare"))
      }
      return answered(
        WayHop(
          "target port", .warning,
          "port \(port.label) of Service \(name) leads to port \(number) of the Pods, which no container declares",
          evidence: ["the containers declare: \(some(all, 8))"],
          remedy: "if nothing listens there, correct targetPort: \(change)"))
    }
  }

  /// Adds the outcome of a connection to the port, which decides.
  private func answered(_ hop: WayHop) -> WayHop {
    guard let podAnswer else { return hop }
    var hop = hop
    switch podAnswer {
    case .connected:
      hop.outcome = .ok
      hop.detail += ", and a Pod answers there"
      hop.remedy = nil
    case .refused:
      hop.outcome = isLedByAgent ? .warning : .failed
      hop.detail =
        "nothing in the Pods listens on port \(targetPort.map { "\($0)" } ?? "?"), "
        + "to which port \(port?.label ?? "") of Service \(name) leads"
      hop.remedy =
        hop.remedy.map { _ in "correct targetPort: kubectl -n \(namespace) edit service \(name)" }
        ?? "let the containers listen there on all addresses, or correct targetPort: "
        + "kubectl -n \(namespace) edit service \(name)"
    case .timedOut, .unreachable, .failed: break
    }
    return hop
  }

  private static func label(_ port: JSONValue) -> String? {
    port["containerPort"]?.intValue.map { "\($0)" + (port.entryName.map { "/\($0)" } ?? "") }
  }
}
