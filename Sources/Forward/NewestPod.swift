import Agents
import KubeObjects

/// The youngest ready Pod of a workload (Kubernetes API, `PodStatus`). One that is being deleted does not count: it
/// answers for its whole grace period.
enum NewestPod {
  /// - Returns: nil if none is ready.
  static func of(_ pods: some Collection<JSONValue>) -> JSONValue? {
    let ready = pods.compactMap { pod in since(pod).map { (since: $0, pod: pod) } }
    return ready.max { $0.since == $1.since ? $0.pod.isOlder(than: $1.pod) : $0.since < $1.since }?.pod
  }

  /// Returns the times of creation and of readiness, in RFC 3339, so that texts sort as times do; nil for a Pod that
  /// takes no connections.
  private static func since(_ pod: JSONValue) -> String? {
    guard !pod.isBeingDeleted, pod.labels[AgentNames.agentLabel] == nil,
      let ready = pod.condition(ofType: "Ready"), ready.isTrue
    else { return nil }
    return "\(pod.creationTimestamp) \(ready.lastTransitionTime)"
  }
}
