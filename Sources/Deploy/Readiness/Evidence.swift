import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Returns the error for workloads that are not ready: each with its Pod's state, the last lines of its
  /// log, and the cluster's warnings.
  func notReady(_ verdicts: [(AppliedObject, ReadinessView.Verdict)], _ code: DeployError.Code) async -> DeployError {
    var errors: [DeployError] = []
    for (workload, verdict) in verdicts {
      let reason =
        switch verdict.state {
        case .failed(let reason): reason
        case .waiting(let reason) where code == .timedOut: "not ready within \(options.readyTimeout): \(reason)"
        case .waiting(let reason): reason
        case .ready: ""
        }
      var details: [String] = []
      if let pod = verdict.pod { details += await lastLines(of: pod, verdict.podState) }
      details += await warnings(about: verdict.pod, workload)
      errors.append(
        DeployError(
          code, "\(verdict.rollout.ready) of \(verdict.rollout.wanted) ready: \(reason)", object: workload.id,
          position: workload.position,
          details: details, remedy: verdict.podState?.remedy))
    }
    var first = errors.removeFirst()
    first.others = errors
    return first
  }

  private func lastLines(of pod: JSONValue, _ state: PodState?) async -> [String] {
    guard let state, let container = state.container ?? Self.unready(pod), let name = pod.name else { return [] }
    let client = client.within(.seconds(5))
    func read(previous: Bool) async -> [String] {
      let body = try? await client.log(
        pod: name, namespace: pod.namespace, container: container, tailLines: 10, previous: previous)
      let bytes = (try? await body?.collect(limit: 1 << 16)) ?? []
      // The kubelet's own words for a container that is gone are no log.
      let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).filter {
        !$0.hasPrefix("unable to retrieve container logs for ")
      }
      return lines.map { "log of \(container): \($0)" }
    }
    // If a container waits for a restart, the ended instance has the reason.
    let lines = await read(previous: false)
    return lines.isEmpty && state.hasRestarted ? await read(previous: true) : lines
  }

  private static func unready(_ pod: JSONValue) -> String? {
    pod.containerStatuses.first { !$0.isReady && $0.isRunning }?.name
  }

  /// Returns warning events, oldest first, each text once, the last five.
  private func warnings(about pod: JSONValue?, _ workload: AppliedObject) async -> [String] {
    let client = client.within(.seconds(5))
    let uid = pod?.uid ?? workload.uid
    let found =
      (try? await client.list(.events, namespace: workload.id.namespace, fields: "involvedObject.uid=\(uid)"))?.items
      ?? []
    let warnings = found.map(ObjectEvent.init).filter { $0.isWarning && $0.subject == uid }
    var texts: [String] = []
    for event in warnings.sorted(by: { $0.time < $1.time }) {
      let text = "event \(event.text)"
      if !texts.contains(text) { texts.append(text) }
    }
    return Array(texts.suffix(5))
  }
}
