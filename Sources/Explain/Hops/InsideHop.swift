import ControlAPI
import KubeObjects

extension WayFacts {
  /// The way from a client in the cluster to the Service's address: kube-proxy and NetworkPolicies.
  var insideHop: WayHop {
    let policies = isolating
    let names = some(policies.map { "NetworkPolicy \($0.name)" })
    switch inside {
    case .skipped(let reason):
      if let closed = policies.first(where: \.letsNobodyIn) {
        return WayHop(
          "inside", .warning,
          "NetworkPolicy \(closed.name) lets nobody in to the Pods of Service \(name), if this network enforces it",
          evidence: [reason], remedy: "kubectl -n \(namespace) describe networkpolicy \(closed.name)")
      }
      return WayHop(
        "inside", .skipped, reason,
        evidence: policies.isEmpty ? [] : ["\(names) choose who may connect to the Service's Pods"])
    case .tried(let pod, let address, .connected, let milliseconds):
      let connected = "Pod \(pod) connected to \(address) in \(rounded(milliseconds)) ms"
      guard let closed = policies.first(where: \.letsNobodyIn) else {
        return WayHop(
          "inside", .ok, connected,
          evidence: policies.isEmpty ? [] : ["\(names) let it in; other clients may be kept out"])
      }
      return WayHop(
        "inside", .warning,
        "NetworkPolicy \(closed.name) lets nobody in to the Service's Pods, "
          + "and \(connected) all the same: this network does not enforce it",
        remedy: "kubectl -n \(namespace) describe networkpolicy \(closed.name)")
    case .tried(let pod, let address, let answer, _):
      let remedy =
        policies.isEmpty
        ? "if the endpoints are ready, look at the node's kube-proxy and network"
        : "allow the client in \(names): kubectl -n \(namespace) describe networkpolicy"
      return WayHop(
        "inside", .failed, "a connection of Pod \(pod) to \(address) \(answer.text)",
        evidence: policies.isEmpty ? [] : ["\(names) choose who may connect to these Pods"], remedy: remedy)
    }
  }

  /// A NetworkPolicy that isolates Pods for ingress (networking.k8s.io/v1).
  struct Isolation: Hashable {
    var name: String
    var letsNobodyIn: Bool
  }

  /// The policies that select the Pods to which the Service leads.
  var isolating: [Isolation] {
    let targets = isDiverted ? agentPods : originPods
    return policies.compactMap { policy in
      let types = policy[path: "spec", "policyTypes"]?.elements.compactMap(\.stringValue) ?? ["Ingress"]
      guard types.contains("Ingress"),
        let selector = try? LabelSelector(json: policy[path: "spec", "podSelector"] ?? [:]),
        targets.contains(where: { pod in selector.requirements.allSatisfy { $0.matches(pod.labels) } })
      else { return nil }
      return Isolation(
        name: policy.name ?? "", letsNobodyIn: (policy[path: "spec", "ingress"]?.elements ?? []).isEmpty)
    }.sorted { $0.name < $1.name }
  }
}

extension WayAnswer {
  /// `was refused`.
  var text: String {
    switch self {
    case .connected: "succeeded"
    case .refused: "was refused"
    case .timedOut: "got no answer in time"
    case .unreachable: "found no route"
    case .failed(let reason): "failed: \(reason)"
    }
  }
}

/// Returns a number of milliseconds with one decimal below 10.
func rounded(_ milliseconds: Double) -> String {
  milliseconds < 10 ? "\((milliseconds * 10).rounded() / 10)" : "\(Int(milliseconds.rounded()))"
}
