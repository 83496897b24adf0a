import KubeObjects

/// The progress of one workload, from the watches' reports. No I/O.
struct Rollout: Sendable {
  var ready = 0
  var wanted = 0
  var isComplete = false
  /// Pods of the present template.
  var pods: [JSONValue] = []
  /// The controller's own problem: no quota, a deadline that has passed, a Job that failed.
  var failure: String?
  var isFinal = false
  /// The container of a Pod that still runs its former image.
  var former: String?

  /// - Parameters:
  ///   - generation: the one that was applied; an older status is ignored.
  ///   - replicaSets, pods: all of the namespace that have the run's label.
  ///   - replaced: see `AppliedObject.replaced`.
  init(
    _ workload: JSONValue, generation: Int, replicaSets: [JSONValue], pods: [JSONValue],
    replaced: [String: String] = [:]
  ) {
    let status = workload["status"] ?? [:]
    wanted = workload[path: "spec", "replicas"]?.intValue ?? 1
    let isObserved = (status["observedGeneration"]?.intValue ?? 0) >= generation
    switch workload.kind {
    case "Pod":
      wanted = 1
      self.pods = [workload]
      countPods()
      let instances = PodState.instances(workload)
      former = replaced.filter { instances[$0.key] == $0.value }.keys.min()
      if former != nil { ready = 0 }
      isComplete = ready == 1
    case "Job": job(workload, status, pods)
    case "Deployment":
      if let set = Self.newest(replicaSets, of: workload), isObserved { self.pods = Self.owned(pods, by: set) }
      counted(isObserved, status: status, delay: workload[path: "spec", "minReadySeconds"]?.intValue)
      readConditions(workload)
    case "ReplicaSet":
      self.pods = Self.owned(pods, by: workload)
      counted(isObserved, status: status, delay: workload[path: "spec", "minReadySeconds"]?.intValue)
      readConditions(workload)
    case "StatefulSet": statefulSet(workload, status, isObserved, pods)
    case "DaemonSet":
      wanted = status["desiredNumberScheduled"]?.intValue ?? 0
      self.pods = Self.owned(pods, by: workload)
      ready = min(status["updatedNumberScheduled"]?.intValue ?? 0, status["numberAvailable"]?.intValue ?? 0)
      isComplete = isObserved && ready >= wanted && (wanted == 0 || status["updatedNumberScheduled"] != nil)
    default: isComplete = true
    }
  }

  // MARK: Kinds

  /// Counts the Pods themselves: the controller's status follows some ten milliseconds later.
  private mutating func counted(_ isObserved: Bool, status: JSONValue, delay: Int?) {
    countPods()
    if let delay, delay > 0 { ready = min(ready, status["availableReplicas"]?.intValue ?? 0) }
    isComplete = isObserved && ready >= wanted
  }

  private mutating func statefulSet(_ workload: JSONValue, _ status: JSONValue, _ isObserved: Bool, _ all: [JSONValue])
  {
    pods = Self.owned(all, by: workload)
    let strategy = workload[path: "spec", "updateStrategy"]
    let partition = strategy?[path: "rollingUpdate", "partition"]?.intValue ?? 0
    if strategy?["type"]?.stringValue != "OnDelete", partition == 0,
      let revision = status["updateRevision"]?.stringValue
    {
      pods = pods.filter { $0.labels["controller-revision-hash"] == revision }
    }
    counted(isObserved, status: status, delay: workload[path: "spec", "minReadySeconds"]?.intValue)
  }

  private mutating func job(_ workload: JSONValue, _ status: JSONValue, _ all: [JSONValue]) {
    pods = Self.owned(all, by: workload)
    wanted = workload[path: "spec", "completions"]?.intValue ?? 1
    ready = status["succeeded"]?.intValue ?? 0
    for condition in workload.conditions where condition.isTrue {
      switch condition.type {
      case "Complete", "SuccessCriteriaMet": isComplete = true
      case "Failed", "FailureTarget":
        failure = condition.text
        isFinal = true
      default: break
      }
    }
    if workload[path: "spec", "suspend"]?.boolValue == true { isComplete = true }
  }

  private mutating func readConditions(_ workload: JSONValue) {
    for condition in workload.conditions {
      switch (condition.type, condition.status) {
      case ("ReplicaFailure", "True"): failure = condition.text
      case ("Progressing", "False") where condition.reason == "ProgressDeadlineExceeded":
        failure = failure ?? condition.text
        isFinal = true
      default: break
      }
    }
  }

  // MARK: Pods

  private mutating func countPods() { ready = pods.count(where: PodState.isReady) }

  private static func owned(_ pods: [JSONValue], by owner: JSONValue) -> [JSONValue] {
    pods.filter { $0.controllerReference?.uid == owner.uid && !$0.isBeingDeleted }
  }

  /// Returns the ReplicaSet of a Deployment's present template: that of its revision.
  private static func newest(_ sets: [JSONValue], of deployment: JSONValue) -> JSONValue? {
    let key = "deployment.kubernetes.io/revision"
    guard let revision = deployment.annotations[key] else { return nil }
    return sets.first { $0.controllerReference?.uid == deployment.uid && $0.annotations[key] == revision }
  }
}
