import KubeAPI
import KubeObjects
import Manifests

enum Evidence {
  /// Returns reason and message of an event, on one line.
  static func text(_ event: JSONValue) -> String {
    let lines = (event["message"]?.stringValue ?? "").split(whereSeparator: \.isNewline)
    return "\(event["reason"]?.stringValue ?? ""): \(lines.joined(separator: " "))"
  }
}

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
    let statuses = pod[path: "status", "containerStatuses"]?.elements ?? []
    return statuses.first { $0["ready"]?.boolValue != true && $0[path: "state", "running"] != nil }?["name"]?
      .stringValue
  }

  /// Returns warning events, oldest first, each text once, the last five.
  private func warnings(about pod: JSONValue?, _ workload: AppliedObject) async -> [String] {
    let client = client.within(.seconds(5))
    let uid = pod?.uid ?? workload.uid
    let found =
      (try? await client.list(.events, namespace: workload.id.namespace, fields: "involvedObject.uid=\(uid)"))?.items
      ?? []
    let warnings = found.filter {
      $0["type"]?.stringValue == "Warning" && $0[path: "involvedObject", "uid"]?.stringValue == uid
    }
    var texts: [String] = []
    for event in warnings.sorted(by: { Self.time($0) < Self.time($1) }) {
      let text = "event \(Evidence.text(event))"
      if !texts.contains(text) { texts.append(text) }
    }
    return Array(texts.suffix(5))
  }

  /// Returns an event's time in RFC 3339, so that texts sort as times do. The member depends on the event's writer.
  private static func time(_ event: JSONValue) -> String {
    event[path: "series", "lastObservedTime"]?.stringValue ?? event["lastTimestamp"]?.stringValue ?? event["eventTime"]?
      .stringValue ?? ""
  }
}
