import Agents
import ControlAPI
import KubeObjects

extension WayFacts {
  /// The workload's own Pods. Behind an agent they are only the way out if this machine is away.
  var podsHop: WayHop? {
    guard pods != nil else {
      return WayHop("Pods", .skipped, "your permissions do not allow to list Pods")
    }
    guard !ownSelector.isEmpty else {
      return WayHop("Pods", .skipped, "Service \(name) has no selector: somebody else keeps its endpoints")
    }
    return eased(originPods.isEmpty ? noPods : somePods)
  }

  /// Lowers a failure behind an agent, which takes requests by itself.
  private func eased(_ hop: WayHop) -> WayHop {
    let isHeld = holders.contains { !$0.isOwn && ($0.leaseAge ?? .infinity) <= Self.staleLease }
    guard hop.outcome == .failed, isLedByAgent, isHeld || own?.state == .active else { return hop }
    var hop = hop
    hop.outcome = .warning
    hop.evidence.append("the agent answers, so requests that come here do; others have no Pods to go to")
    return hop
  }

  private var selectorText: String {
    ownSelector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  // MARK: None

  private var noPods: WayHop {
    guard let workload = selectedWorkloads.first else { return nothingSelected }
    let label = "\(workload.kind ?? "workload")/\(workload.name ?? "")"
    if workload[path: "spec", "replicas"]?.intValue == 0 {
      if workload.annotations[AgentNames.replicasAnnotation] != nil {
        return WayHop("Pods", isLedByAgent ? .ok : .failed, "\(label) is scaled to 0 by an intercept with --replace")
      }
      return WayHop(
        "Pods", .failed, "\(label) is scaled to 0, so Service \(name) has no Pods",
        remedy: "kubectl -n \(namespace) scale \(label.lowercased()) --replicas 1")
    }
    if let refusal = refusal(of: workload) {
      return WayHop(
        "Pods", .failed, "\(label) has no Pods, since the cluster refuses them: \(refusal)",
        remedy: refusal.contains("quota")
          ? "kubectl -n \(namespace) describe quota; scale others down, or ask for more"
          : "kubectl -n \(namespace) describe \(label.lowercased())")
    }
    return WayHop(
      "Pods", .failed, "\(label) has made no Pods", remedy: "kubectl -n \(namespace) describe \(label.lowercased())")
  }

  private var nothingSelected: WayHop {
    let near = workloads.compactMap { workload -> String? in
      let labels = workload[path: "spec", "template"]?.labels ?? [:]
      let shared = ownSelector.keys.filter { labels[$0] != nil }.sorted()
      guard workload.controllerReference == nil, !shared.isEmpty,
        workload.labels[AgentNames.managedByLabel] != AgentNames.managedBy
      else { return nil }
      return "the Pods of \(workload.kind ?? "")/\(workload.name ?? "") have "
        + shared.map { "\($0)=\(labels[$0] ?? "")" }.joined(separator: ",")
    }
    return WayHop(
      "Pods", .failed, "the selector of Service \(name), \(selectorText), selects no Pod and no workload",
      evidence: Array(near.sorted().prefix(4)),
      remedy: "correct the selector: kubectl -n \(namespace) edit service \(name)")
  }

  // MARK: Some

  private var somePods: WayHop {
    let states = originPods.map { PodState($0, namespace: namespace, event: event(about: $0)) }
      .sorted { $0.name < $1.name }
    let unready = states.filter { !$0.isReady }
    let evidence = unready.prefix(4).map { "Pod \($0.name): \($0.reason ?? "not ready")" }
    guard let first = unready.first(where: { $0.reason != nil }) ?? unready.first else {
      return WayHop("Pods", .ok, "\(count(states.count, "Pod")) ready: \(some(states.map(\.name)))")
    }
    if unready.count < states.count {
      return WayHop(
        "Pods", .warning, "\(unready.count) of \(states.count) Pods of Service \(name) are not ready",
        evidence: evidence, remedy: first.remedy)
    }
    let refused = selectedWorkloads.lazy.compactMap { refusal(of: $0) }.first.map { ["further Pods: \($0)"] } ?? []
    return WayHop(
      "Pods", .failed, "no Pod of Service \(name) is ready: Pod \(first.name): \(first.reason ?? "not ready")",
      evidence: (evidence.count > 1 ? evidence : []) + refused, remedy: first.remedy)
  }
}
