import Agents
import KubeObjects
import Workloads

extension WayFacts {
  /// The value of the agent's label in the Service's selector; nil unless it is diverted.
  var agentLabel: String? { service?[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel] }
  var isDiverted: Bool { agentLabel != nil }

  /// The Service's own selector, without an intercept.
  var ownSelector: [String: String] {
    var selector = service?[path: "spec", "selector"]?.stringMap ?? [:]
    selector[AgentNames.agentLabel] = nil
    return selector
  }

  /// The workload's own Pods, as far as the Service selects them.
  public var originPods: [JSONValue] {
    let selector = ownSelector
    guard !selector.isEmpty else { return [] }
    return (pods ?? []).filter { WorkloadFinder.isLiving($0) && Self.matches(selector, $0.labels) }
  }

  /// The agents' Pods that the Service selects, or that would be selected.
  var agentPods: [JSONValue] {
    let selector = ownSelector
    return (pods ?? []).filter { pod in
      guard let label = pod.labels[AgentNames.agentLabel], !pod.isBeingDeleted else { return false }
      return label == agentLabel || agentLabel == nil && !selector.isEmpty && Self.matches(selector, pod.labels)
    }
  }

  static func matches(_ selector: [String: String], _ labels: [String: String]) -> Bool {
    selector.allSatisfy { labels[$0.key] == $0.value }
  }

  /// Workloads whose Pods the Service would select: Deployments and the like, without ReplicaSets that belong to one.
  var selectedWorkloads: [JSONValue] {
    let selector = ownSelector
    guard !selector.isEmpty else { return [] }
    return workloads.filter { workload in
      workload.controllerReference == nil && workload.labels[AgentNames.managedByLabel] != AgentNames.managedBy
        && Self.matches(selector, workload[path: "spec", "template"]?.labels ?? [:])
    }
  }

  /// The reason why a workload's Pods are not created, as its own or its ReplicaSets' conditions tell.
  func refusal(of workload: JSONValue) -> String? {
    let sets = workloads.filter { $0.controllerReference?.uid == workload.uid }
    let refused = (sets + [workload]).lazy.compactMap { set in
      set[path: "status", "conditions"]?.elements.first {
        $0["type"]?.stringValue == "ReplicaFailure" && $0["status"]?.stringValue == "True"
      }?["message"]?.stringValue
    }
    return refused.first
      ?? ([workload] + sets).lazy.compactMap { self.event(about: $0, reasons: ["FailedCreate"]) }.first
  }

  /// Returns the newest Warning about an object.
  func event(about object: JSONValue, reasons: Set<String>? = nil) -> String? {
    let about = events.filter { event in
      event[path: "involvedObject", "uid"]?.stringValue == object.uid
        && (reasons?.contains(event["reason"]?.stringValue ?? "") ?? true)
    }
    return about.max { Self.time($0) < Self.time($1) }?["message"]?.stringValue
  }

  private static func time(_ event: JSONValue) -> String {
    event[path: "series", "lastObservedTime"]?.stringValue ?? event["lastTimestamp"]?.stringValue
      ?? event["eventTime"]?.stringValue ?? ""
  }
}
