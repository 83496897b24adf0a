import ControlAPI

/// The situation of somebody who types `devtunnel` alone: their cluster, what is running, and what to do next.
struct Standing: Hashable {
  enum Place: Hashable {
    case cluster(context: String, namespace: String)
    /// No cluster can be named, for this reason.
    case none(problem: String, remedy: String?)
  }

  enum Daemon: Hashable {
    case absent
    /// It runs, and does not answer.
    case silent(pid: Int?)
    case running(StatusReport)
  }

  var place: Place
  var daemon: Daemon
  /// True if a skaffold.yaml is in the present folder.
  var hasProject = false

  private var status: StatusReport? { if case .running(let status) = daemon { status } else { nil } }

  var lines: [String] {
    var lines = [placeLine, daemonLine].compactMap { $0 }
    if let status {
      lines += status.intercepts.map { "  \($0.service) in \($0.namespace): \($0.standing)" }
      lines += status.forwards.flatMap(\.ports).map { "  forward from \($0.host)" }
      lines += status.outbound.map { "  \($0.kind) in \($0.namespace)" }
    }
    let steps = steps
    let width = steps.map(\.command.count).max() ?? 0
    return lines + ["", "Next:"]
      + steps.map { step in
        "  \(step.command)\(String(repeating: " ", count: width - step.command.count + 2))\(step.purpose)"
      }
  }

  private var placeLine: String {
    switch place {
    case .cluster(let context, let namespace): "Context \(context), namespace \(namespace)."
    case .none(let problem, let remedy): "No cluster: \(problem)." + (remedy.map { " To choose one, \($0)." } ?? "")
    }
  }

  private var daemonLine: String? {
    switch daemon {
    case .absent: "Nothing is running; the first command starts your daemon."
    case .silent(let pid): "Your daemon\(pid.map { " (pid \($0))" } ?? "") runs, and does not answer."
    case .running(let status):
      status.intercepts.isEmpty && status.forwards.isEmpty && status.outbound.isEmpty
        ? "Your daemon runs; nothing is intercepted or forwarded." : "Running:"
    }
  }

  struct Step: Hashable {
    var command: String
    var purpose: String
  }

  /// The commands that make sense now, the first one first.
  var steps: [Step] {
    var steps: [Step] = []
    if case .silent = daemon { steps.append(Step(command: "devtunnel logs", purpose: "the daemon's last words")) }
    let intercepts = status?.intercepts ?? []
    if let ailing = intercepts.first(where: { $0.state == .failedOpen }) {
      let command = "devtunnel explain \(ailing.service) -n \(ailing.namespace)"
      steps.append(Step(command: command, purpose: "why its requests do not arrive here"))
    }
    if let first = intercepts.first(where: { $0.state == .active || $0.state == .failedOpen }) {
      steps.append(Step(command: "devtunnel requests -f", purpose: "the requests as they pass"))
      let command = "devtunnel leave \(first.service) -n \(first.namespace)"
      steps.append(Step(command: command, purpose: "give its traffic back"))
    } else if case .cluster = place {
      steps.append(Step(command: "devtunnel list", purpose: "the Services that you can intercept"))
      steps.append(
        Step(command: "devtunnel intercept SERVICE --port 8080", purpose: "its requests arrive at 127.0.0.1:8080"))
      steps.append(Step(command: "devtunnel shell", purpose: "a shell here, with the cluster's network"))
    }
    if hasProject {
      steps.append(Step(command: "devtunnel watch", purpose: "build and deploy skaffold.yaml again at each save"))
    }
    if case .none = place {
      steps.append(Step(command: "devtunnel doctor", purpose: "what is missing on this machine"))
    }
    return steps + [Step(command: "devtunnel --help", purpose: "all commands")]
  }
}

extension InterceptReport {
  /// The state in a few words.
  fileprivate var standing: String {
    switch state {
    case .starting: "is being set up"
    case .active: rules == nil ? "its requests arrive here" : "the requests of your rules arrive here"
    case .failedOpen: "its requests go to its own Pods for now" + (message.map { ": \($0)" } ?? "")
    case .leaving: "is being given back"
    }
  }
}
