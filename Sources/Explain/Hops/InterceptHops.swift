import Agents
import ControlAPI
import KubeObjects

extension WayFacts {
  /// Seconds after which a holder's Lease, renewed every 10 s, is late, and after which it is stale.
  static let lateLease = 13.0
  static let staleLease = 30.0

  /// The agent's Pod; nil unless the Service is diverted or intercepted from here.
  var agentHop: WayHop? {
    guard isDiverted || own != nil, pods != nil else { return nil }
    let states = agentPods.map { PodState($0, namespace: namespace, event: event(about: $0)) }
      .sorted { $0.isReady && !$1.isReady }
    guard let best = states.first else {
      let refusal = workloads.lazy.filter { $0.labels[AgentNames.agentLabel] != nil }
        .compactMap { self.refusal(of: $0) }.first
      return WayHop(
        "agent", .failed,
        "the agent of Service \(name) has no Pod" + (refusal.map { ": the cluster refuses it: \($0)" } ?? ""),
        remedy: own == nil
          ? "devtunnel restore \(name) -n \(namespace) gives the Service its own Pods back"
          : "devtunnel status says how the daemon brings it back; devtunnel leave \(name) ends the intercept")
    }
    if best.isReady { return WayHop("agent", .ok, "Pod \(best.name) is ready") }
    return WayHop(
      "agent", .failed, "the agent's Pod \(best.name) is not ready: \(best.reason ?? "no reason is given")",
      remedy: best.remedy)
  }

  // MARK: Who intercepts it

  var interceptHop: WayHop {
    if let own { return hop(of: own) }
    if isFormerDaemons {
      return WayHop(
        "intercept", .failed,
        "your daemon that intercepted Service \(name) has ended, and this one gives the Service its own Pods back",
        remedy: "devtunnel intercept \(name) -n \(namespace), and devtunnel logs says how the former one ended")
    }
    let others = holders.filter { !$0.isOwn }
    if let stale = others.first(where: { ($0.leaseAge ?? .infinity) > Self.staleLease }) {
      return WayHop(
        "intercept", .failed,
        "\(stale.name) intercepts Service \(name), and \(Self.silence(stale)): "
          + "their machine or daemon is away, so requests go to the Service's own Pods",
        evidence: others.filter { $0 != stale }.map { "\($0.name) intercepts it, too" },
        remedy: "devtunnel restore \(name) -n \(namespace) undoes it")
    }
    if holders.isEmpty {
      guard isDiverted else {
        return WayHop(
          "intercept", .skipped, "nobody intercepts Service \(name): its requests go to its own Pods",
          remedy: "devtunnel intercept \(name) -n \(namespace) --port PORT brings them here")
      }
      return WayHop(
        "intercept", .failed, "Service \(name) is diverted to an agent that nobody holds any more",
        remedy: "devtunnel restore \(name) -n \(namespace) undoes it")
    }
    if let first = others.first {
      let late = others.first { ($0.leaseAge ?? 0) > Self.lateLease }
      return WayHop(
        "intercept", .warning,
        "you do not intercept Service \(name): \(Self.told(first))"
          + (late.map { ", and \($0.name) \(Self.silence($0))" } ?? ""),
        evidence: others.dropFirst().map(Self.told),
        remedy: "devtunnel intercept \(name) -n \(namespace) --personal takes your own requests beside them")
    }
    return WayHop(
      "intercept", .failed, "this installation intercepts Service \(name), but not this daemon",
      remedy: "devtunnel restore \(name) -n \(namespace) undoes it")
  }

  private static func told(_ holder: WayHolder) -> String {
    "\(holder.name) takes " + (holder.rules.map { "its requests with \($0)" } ?? "all its requests")
  }

  private static func silence(_ holder: WayHolder) -> String {
    guard let age = holder.leaseAge else { return "has no Lease" }
    return "has not renewed the Lease for \(Int(age)) s"
  }

  private func hop(of own: InterceptReport) -> WayHop {
    let company = holders.filter { !$0.isOwn }.map(Self.told)
    switch own.state {
    case .active:
      let warnings = own.message.map { [$0] } ?? []
      return WayHop(
        "intercept", .ok,
        "yours, active since \(own.since)" + (own.rules.map { ", for requests with \($0.summary)" } ?? ""),
        evidence: warnings + company)
    case .starting: return WayHop("intercept", .warning, "your intercept of Service \(name) is still being set up")
    case .leaving:
      return WayHop(
        "intercept", .failed, "your intercept of Service \(name) has ended and is being undone",
        evidence: own.message.map { [$0] } ?? [], remedy: "devtunnel intercept \(name) -n \(namespace) again")
    case .failedOpen:
      return WayHop(
        "intercept", .failed,
        "your intercept of Service \(name) has failed open, and its requests go to its own Pods: "
          + (own.message ?? "no reason is known"), evidence: company,
        remedy: "devtunnel status shows when it is back; devtunnel logs has the details")
    }
  }

  // MARK: The rule

  /// The rule that the request meets; nil without claims.
  var ruleHop: WayHop? {
    guard let takers, own != nil || head != nil, let port else { return nil }
    let mine = own?.rules?.summary
    if own?.rules?.isMirror == true {
      return WayHop("rule", .ok, "you take copies only; the requests are answered elsewhere")
    }
    guard let head else {
      guard let mine else { return WayHop("rule", .ok, "you take all requests" + exceptions) }
      return lostMark
        ?? WayHop(
          "rule", .skipped, "you take only requests with \(mine)",
          remedy: "give yours with --request 'GET /' and -H 'name: value', to see who gets it")
    }
    let text = "\(head.method) \(head.target)"
    guard let first = takers.first else {
      return WayHop(
        "rule", own == nil ? .skipped : .failed,
        "\(text) meets no rule, so it goes to the Service's own Pods",
        evidence: mine.map { ["you take requests with \($0)"] } ?? [],
        remedy: own == nil ? nil : "send it with the mark that your rule asks for: -H 'name: value' here")
    }
    let rule = first.rule.map { "by the rule \($0.joined(separator: ", "))" } ?? "as all of port \(port.label)"
    if first.isOwn { return lostMark ?? WayHop("rule", .ok, "\(text) is yours, \(rule)") }
    guard own != nil else { return WayHop("rule", .ok, "\(text) goes to \(first.name), \(rule)") }
    let behind = takers.contains(where: \.isOwn)
    return WayHop(
      "rule", .failed,
      "\(first.name) takes \(text), \(rule)" + (behind ? ", which is stricter than yours" : "; yours do not meet it"),
      evidence: mine.map { ["you take requests with \($0)"] } ?? ["you take the requests that no rule takes"],
      remedy: "give your rule more conditions than theirs, or ask them")
  }

  private var exceptions: String {
    let rules = holders.filter { !$0.isOwn }.compactMap(\.rules)
    return rules.isEmpty ? "" : ", but for those that others' rules take"
  }

  /// The hint that marked requests lose their mark before they come: none was seen, and others were.
  private var lostMark: WayHop? {
    guard let rules = own?.rules, let seen = own?.ports.first(where: { $0.service == port?.number }),
      seen.toHost == 0, seen.toOrigin > 0
    else { return nil }
    return WayHop(
      "rule", .warning,
      "no request with \(rules.summary) has come since the intercept began, and "
        + "\(count(Int(clamping: seen.toOrigin), "connection")) without it did: "
        + "the service before may not pass the mark on",
      remedy: "let every service between pass the header on; devtunnel requests \(name) -f shows what comes without it")
  }

  // MARK: The session

  /// The tunnel to the agent; nil unless the Service is intercepted from here.
  var sessionHop: WayHop? {
    guard own != nil else { return nil }
    guard let session else {
      return WayHop("session", .failed, "there is no tunnel to the agent", remedy: "devtunnel status says why")
    }
    let way = [session.carrier.map { "over \($0)" }, session.pod.map { "to Pod \($0)" }].compactMap(\.self)
    if let answered = session.answered {
      return WayHop(
        "session", .ok, "the agent answered in \(rounded(answered)) ms " + way.joined(separator: " "),
        evidence: answered > 1000 ? ["more than a second: connections go to the Service's own Pods then"] : [])
    }
    return WayHop(
      "session", .failed, "the tunnel to the agent is \(session.state)",
      evidence: session.problem.map { [$0] } ?? [],
      remedy: "look at the network to the API server; the daemon dials again by itself")
  }
}
