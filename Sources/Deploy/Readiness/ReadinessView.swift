import KubeAPI
import KubeObjects
import Manifests

/// Everything seen while waiting for readiness, and the conclusions. No I/O: events in, verdicts out.
struct ReadinessView {
  /// One workload's verdict.
  struct Verdict: Sendable {
    var state: ReadinessProgress.State
    var rollout: Rollout
    /// The Pod at fault, with its state.
    var pod: JSONValue?
    var podState: PodState?
    /// True if it may recover, by an unknown cause.
    var isDoubtful = false
  }

  /// The longest time that a doubtful state may last while nothing else changes.
  static let patience = Duration.seconds(10)

  let workloads: [AppliedObject]
  private var objects: [APIResource: [String: JSONValue]] = [:]
  /// The last warning about each object, by uid.
  private var warnings: [String: String] = [:]
  private var doubtfulSince: [ObjectID: ContinuousClock.Instant] = [:]

  init(_ workloads: [AppliedObject]) { self.workloads = workloads }

  mutating func take(_ event: WatchEvent, of resource: APIResource) {
    guard let object = event.object, let uid = object.uid else { return }
    if resource == .events {
      let event = ObjectEvent(object)
      if event.isWarning, let subject = event.subject { warnings[subject] = event.text }
    } else if case .deleted = event {
      objects[resource, default: [:]][uid] = nil
    } else {
      objects[resource, default: [:]][uid] = object
    }
  }

  private func all(_ resource: APIResource, in namespace: String?) -> [JSONValue] {
    (objects[resource] ?? [:]).values.filter { $0.namespace == namespace }
  }

  func verdict(on workload: AppliedObject) -> Verdict {
    guard let object = objects[workload.resource]?[workload.uid], (object.generation ?? 0) >= workload.generation else {
      return Verdict(
        state: .waiting("waits for news of it"), rollout: Rollout([:], generation: 0, replicaSets: [], pods: []))
    }
    let rollout = Rollout(
      object, generation: workload.generation, replicaSets: all(.replicaSets, in: workload.id.namespace),
      pods: all(.pods, in: workload.id.namespace), replaced: workload.replaced)
    if let former = rollout.former {
      return Verdict(state: .waiting("container \(former) still runs its former image"), rollout: rollout)
    }
    if rollout.isComplete { return Verdict(state: .ready, rollout: rollout) }
    if let failure = rollout.failure {
      return Verdict(state: rollout.isFinal ? .failed(failure) : .waiting(failure), rollout: rollout, isDoubtful: true)
    }
    let states = rollout.pods.map { ($0, PodState($0)) }
    for prospect in [PodState.Prospect.hopeless, .doubtful, .coming] {
      guard let (pod, state) = states.first(where: { $0.1.prospect == prospect }) else { continue }
      let warning = prospect == .coming ? pod.uid.flatMap { warnings[$0] } : nil
      let text = "\(at: pod.name)\([state.reason, warning].compactMap { $0 }.joined(separator: "; "))"
      // A Job's controller replaces its Pods, and decides when to give up.
      let isFinal = prospect == .hopeless && (object.kind != "Job" || pod.phase != "Failed")
      return Verdict(
        state: isFinal ? .failed(text) : .waiting(text), rollout: rollout, pod: pod, podState: state,
        isDoubtful: prospect == .doubtful)
    }
    return Verdict(
      state: .waiting(warnings[workload.uid] ?? "waits for its Pods"), rollout: rollout,
      isDoubtful: warnings[workload.uid] != nil)
  }

  /// Returns the verdicts on all workloads. A doubtful one fails once nothing else is in progress that
  /// might cure it, or its patience has run out.
  mutating func verdicts(at now: ContinuousClock.Instant) -> [(AppliedObject, Verdict)] {
    var verdicts = workloads.map { ($0, verdict(on: $0)) }
    let isAnythingComing = verdicts.contains { _, verdict in
      if case .waiting = verdict.state { return !verdict.isDoubtful }
      return false
    }
    for (index, (workload, verdict)) in verdicts.enumerated() {
      guard verdict.isDoubtful, case .waiting(let reason) = verdict.state else {
        doubtfulSince[workload.id] = nil
        continue
      }
      let since = doubtfulSince[workload.id] ?? now
      doubtfulSince[workload.id] = since
      let isCrashLoop = verdict.podState?.hasRestarted == true
      if isCrashLoop && !isAnythingComing || now - since > Self.patience && !isCrashLoop {
        verdicts[index].1.state = .failed(reason)
      }
    }
    return verdicts
  }
}
