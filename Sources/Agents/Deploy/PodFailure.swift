import KubeObjects

/// A state of an agent's Pod that waiting does not mend, with its remedy.
struct PodFailure: Sendable, Hashable {
  let reason: String
  let remedy: String?

  private static let pulls: Set = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]
  private static let starts: Set = [
    "CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff", "CreateContainerError",
  ]

  /// Nil for a Pod that may still come up.
  init?(_ pod: JSONValue) {
    let status = AgentPods.status(pod)
    let waiting = status?.waiting
    // The kubelet has not seen a new Secret yet, and tries again ("failed to sync secret cache: timed out waiting for
    // the condition").
    if waiting?.message.hasPrefix("failed to sync ") == true { return nil }
    if let waiting, Self.pulls.contains(waiting.reason) || Self.starts.contains(waiting.reason) {
      reason = "\(waiting.reason): \(waiting.message)"
      remedy = Self.pulls.contains(waiting.reason) ? Self.pullRemedy(pod) : Self.startRemedy(waiting.message)
    } else if let ended = status?.lastTerminated ?? status?.terminated {
      reason = "it ended with exit code \(ended.exitCode) \(ended.reason) \(ended.message)"
      remedy = nil
    } else {
      return nil
    }
  }

  private static func pullRemedy(_ pod: JSONValue) -> String {
    if let named = pod.annotations[AgentNames.imageAnnotation] {
      return
        "The node cannot pull \(named), the image that --agent-image names: check its name, "
        + "and that the cluster's nodes may pull it. "
        + "Any image that they have will do: the agent brings its own program."
    }
    let image = pod[path: "spec", "containers"]?.elements.first { $0.entryName == AgentNames.container }?["image"]?
      .stringValue
    return
      "The node cannot pull \(image ?? "the image"), which the agent would run in. "
      + "Name another that the nodes have or can pull with --agent-image IMAGE: the agent brings its own program."
  }

  private static func startRemedy(_ message: String) -> String? {
    guard message.contains("runAsNonRoot") || message.contains("non-root") || message.contains("non-numeric user")
    else { return nil }
    return
      "Give the workload's securityContext a runAsUser other than 0, "
      + "or take an image whose user is a number other than 0: --agent-image IMAGE."
  }
}
