import ControlAPI

// The reports as people see them; `--output json` prints the reports themselves.

extension InterceptReport {
  /// The lines after `intercept`.
  var summary: [String] {
    let isMirror = rules?.isMirror ?? false
    var lines = [
      "Service \(service) in namespace \(namespace) is \(isMirror ? "mirrored" : "intercepted") (\(workload))."
    ]
    lines += ports.map { port in
      let name = port.name.map { " (\($0))" } ?? ""
      return "  port \(port.service)\(name) → \(place(of: port) ?? "the origin")\(port.company)"
    }
    if let rules {
      lines.append(
        "  \(rules); " + (isMirror ? "the answers here are dropped" : "others go to the origin or other holders"))
    }
    return lines + (message.map { [$0] } ?? [])
  }

  /// Returns `127.0.0.1:8080`, or `kind-dev/default/svc/user:80`.
  fileprivate func place(of port: Port) -> String? {
    if let to, let number = port.to { return "\(to.context)/\(to.namespace)/\(to.target):\(number)" }
    return port.host
  }
}

extension [InterceptReport] {
  var summary: [String] { flatMap(\.summary) }
}

extension InterceptReport.Port {
  /// `, along with port 80`; empty for a port that goes there by itself.
  fileprivate var company: String { along.map { ", along with port \($0)" } ?? "" }
}

extension ExplainReport {
  /// Returns the lines after `intercept --explain`.
  /// - Parameter request: `GET /api/users`.
  func lines(_ request: String) -> [String] {
    ports.flatMap { port in
      let place = "port \(port.service)\(port.name.map { " (\($0))" } ?? "") of Service \(service)"
      let first = port.takers.first.map { "\($0.name), \($0.reason)" } ?? "the workload's own Pods: no rule matches"
      return ["\(request) to \(place) goes to \(first)."]
        + port.takers.dropFirst().map { "  Behind it: \($0.name), \($0.reason)." }
        + (port.copies ?? []).map { "  A copy goes to \($0.name), \($0.reason)." }
    }
  }
}

extension ExplainReport.Taker {
  fileprivate var name: String { holder ?? "this intercept" }
  fileprivate var reason: String {
    guard let rule else { return "who has the whole port" }
    return "by the rule: " + (RequestRules(texts: [rule.joined(separator: "\n")])?.summary ?? "")
  }
}

extension [LeaveReport] {
  /// The lines, with contexts if several clusters are among them.
  var lines: [String] {
    let isOneCluster = Set(map(\.cluster)).count < 2
    return map { $0.summary(naming: isOneCluster ? nil : $0.context) }
  }
}

extension LeaveReport {
  fileprivate func summary(naming context: String?) -> String {
    let namespace = namespace + (context.map { " of context \($0)" } ?? "")
    if !restored { return "Service \(service) in namespace \(namespace): \(message ?? "another holder has it")." }
    let cut = cut == 0 ? "" : cut == 1 ? "; 1 connection was cut" : "; \(cut) connections were cut"
    return "Service \(service) in namespace \(namespace) is restored\(cut)." + (message.map { " \($0)" } ?? "")
  }
}

extension ForwardReport {
  var summary: [String] {
    ports.map { "\($0.host) → \(target) port \($0.remote)" } + (message.map { [$0] } ?? [])
  }
}

extension [ListEntry] {
  /// - Parameter allContexts: true to name the context, if the daemon holds something in another cluster too.
  func lines(allNamespaces: Bool, allContexts: Bool = false) -> [String] {
    if isEmpty { return ["There are no Services here."] }
    var table = Table(
      (allContexts ? ["CONTEXT"] : []) + (allNamespaces ? ["NAMESPACE"] : []) + [
        "SERVICE", "PORTS", "WORKLOAD", "STATE",
      ])
    for entry in self {
      let place = (allContexts ? [entry.context] : []) + (allNamespaces ? [entry.namespace] : [])
      table.add(place + [entry.service, entry.ports.joined(separator: ","), entry.workload, entry.state])
    }
    return table.lines()
  }
}

extension ListEntry {
  fileprivate var state: String {
    if let interceptedBy { return "intercepted by \(interceptedBy)\(since.map { " since \($0)" } ?? "")" }
    return obstacle.map { "unavailable: \($0)" } ?? (option.map { "available with \($0)" } ?? "available")
  }
}

extension StatusReport {
  /// The contexts in which something is intercepted, forwarded or connected.
  var contexts: Set<String> { Set(intercepts.map(\.context) + forwards.map(\.context) + outbound.map(\.context)) }

  var lines: [String] {
    var lines = daemon.map { ["Daemon \($0.version), pid \($0.pid), since \($0.since)."] } ?? ["No daemon runs."]
    lines += section("Intercepts", interceptTable, intercepts.flatMap(\.notes))
    lines += section("Forwards", forwardTable, forwards.flatMap(\.notes))
    lines += section("Shells and proxies", outboundTable, outbound.flatMap(\.notes))
    lines += section(
      "Sessions", sessionTable, sessions.compactMap { session in session.lastProblem.map { "\(session.agent): \($0)" } }
    )
    if let notes, !notes.isEmpty { lines += [""] + notes.map { "Note: \($0)." } }
    if intercepts.isEmpty, forwards.isEmpty, outbound.isEmpty { lines.append("Nothing is intercepted or forwarded.") }
    return lines
  }

  private func section(_ title: String, _ table: Table, _ notes: [String]) -> [String] {
    table.isEmpty ? [] : ["", title] + table.lines(indent: 2) + notes.map { "  " + $0 }
  }

  private var interceptTable: Table {
    var table = Table("CONTEXT", "NAMESPACE", "SERVICE", "WORKLOAD", "STATE", "PORT", "HOST", "TO HOST", "TO ORIGIN")
    for one in intercepts {
      for port in one.ports {
        let name = port.name.map { "/\($0)" } ?? ""
        table.add(
          one.context, one.namespace, one.service, one.workload, one.state.rawValue, "\(port.service)\(name)",
          one.place(of: port).map { $0 + port.company }, "\(port.toHost)",
          "\(port.toOrigin)")
      }
      if one.ports.isEmpty {
        table.add(one.context, one.namespace, one.service, one.workload, one.state.rawValue, nil, nil, nil, nil)
      }
    }
    return table
  }

  private var outboundTable: Table {
    var table = Table(
      "ID", "KIND", "CONTEXT", "NAMESPACE", "WORKLOAD", "AT", "VIA CLUSTER", "VIA HOST", "REFUSED", "UDP FLOWS",
      "QUERIES", "CACHED")
    for one in outbound {
      table.add(
        one.id, one.kind, one.context, one.namespace, one.workload, one.address ?? one.pid.map { "pid \($0)" },
        "\(one.clusterConnections)",
        "\(one.hostConnections)", "\(one.refused)", "\(one.flows)", "\(one.queries)", "\(one.cachedQueries)")
    }
    return table
  }

  private var forwardTable: Table {
    var table = Table("ID", "CONTEXT", "NAMESPACE", "TARGET", "PORT", "HOST", "CONNECTIONS", "REFUSED")
    for one in forwards {
      for port in one.ports {
        table.add(
          one.id, one.context, one.namespace, one.target, port.remote, port.host, "\(port.connections)",
          "\(port.refused)")
      }
    }
    return table
  }

  private var sessionTable: Table {
    var table = Table(
      "CONTEXT", "NAMESPACE", "AGENT", "POD", "STATE", "CARRIER", "ROUND TRIP", "STREAMS", "SENT", "RECEIVED")
    for one in sessions {
      let roundTrip = one.roundTripMilliseconds.map { "\(($0 * 10).rounded() / 10) ms" }
      table.add(
        one.context, one.namespace, one.agent, one.pod, one.state, one.carrier, roundTrip, "\(one.streams)",
        ByteCount.text(one.sentBytes),
        ByteCount.text(one.receivedBytes))
    }
    return table
  }
}

extension InterceptReport {
  fileprivate var notes: [String] {
    (message.map { ["\(service): \($0)"] } ?? []) + (rules.map { ["\(service): \($0)"] } ?? [])
      + ports.compactMap { port in port.originNote.map { "\(service): \($0)" } }
      + ports.compactMap { port in port.copyNote.map { "\(service): \($0)" } }
      + (others ?? []).map {
        "\(service): \($0.holder) intercepts \($0.services.joined(separator: ", ")) of the same workload"
          + ($0.rules.map { ": \($0)" } ?? "")
      }
      + warnings.map { "\(service): \($0)" }
  }
}

extension InterceptReport.Port {
  /// `812 requests or connections to port 80 were copied here, the copies of 3 more are lost`.
  fileprivate var copyNote: String? {
    copies.map { copies in
      let lost = lostCopies ?? 0
      let what = copies == 1 ? "request or connection" : "requests or connections"
      return "\(copies) \(what) to port \(service) \(copies == 1 ? "was" : "were") copied here"
        + (lost > 0 ? ", the copies of \(lost) more are lost: they were too many at once, or not taken here" : "")
    }
  }

  /// `3 connections to port 80 are on the origin: 2 were refused here, 1 came before the intercept`.
  fileprivate var originNote: String? {
    guard let onOrigin else { return nil }
    let sum = onOrigin.values.reduce(0, +)
    let causes = OriginCause.allCases.compactMap { cause in onOrigin[cause].map { "\($0) \(cause.text(many: $0 != 1))" }
    }
    return "\(sum) connection\(sum == 1 ? " to port \(service) is" : "s to port \(service) are") on the origin: "
      + causes.joined(separator: ", ")
  }
}

extension InterceptReport.Port.OriginCause {
  fileprivate func text(many: Bool) -> String {
    switch self {
    case .earlier: "came before the intercept"
    case .refused: many ? "were refused here" : "was refused here"
    case .timedOut: many ? "were not taken within a second" : "was not taken within a second"
    case .unreachable: "found the target unreachable"
    case .away: "came while the tunnel was away"
    case .exhausted: many ? "were too many here" : "was one too many here"
    case .failed: "failed here"
    }
  }
}

extension OutboundReport {
  fileprivate var notes: [String] {
    let failures = lastQueries.filter { $0.answer != "NOERROR" }.suffix(5).map {
      "\(id): \($0.type) \($0.name) \($0.answer) (\($0.source))"
    }
    return (lastProblem.map { ["\(id): \($0)"] } ?? []) + failures
  }
}

extension ForwardReport {
  fileprivate var notes: [String] {
    (message.map { ["\(id): \($0)"] } ?? [])
      + ports.compactMap { port in port.lastProblem.map { "\(id) port \(port.remote): \($0)" } }
  }
}

extension RestoreReport {
  var lines: [String] {
    if done.isEmpty, left.isEmpty { return ["There is nothing to undo."] }
    let hint = left.isEmpty ? [] : ["devtunnel restore --yes undoes this as well."]
    return done.map { "undone: \($0)" } + left.map { "left: \($0)" } + hint
  }
}

extension [DoctorCheck] {
  func lines(_ terminal: Terminal) -> [String] {
    let width = map(\.name.count).max() ?? 0
    return flatMap { check in
      let (word, color): (String, Terminal.Color) =
        switch check.outcome {
        case .ok: ("ok     ", .green)
        case .warning: ("warning", .yellow)
        case .failed: ("FAILED ", .red)
        case .skipped: ("skipped", .faint)
        }
      let name = check.name + String(repeating: " ", count: width - check.name.count)
      let remedy = check.remedy.map { ["         → \($0)"] } ?? []
      return ["\(terminal.paint(word, color))  \(name)  \(check.detail)"] + remedy
    }
  }
}

enum ByteCount {
  /// Returns `12 B` or `3.4 MB`: powers of ten.
  static func text(_ bytes: UInt64) -> String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 999.5 { return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)" }
      value /= 1000
    }
    return "\((value * 10).rounded() / 10) TB"
  }
}
