import ControlAPI

extension WayFacts {
  /// The hops up to this machine, in the order in which a person would look. Those behind a Service that does not exist
  /// are left out.
  public var hops: [WayHop] {
    let first = serviceHop
    guard let service, first.outcome != .failed else { return [first] }
    if service[path: "spec", "type"]?.stringValue == "ExternalName" { return [first] }
    return [first] + [podsHop, targetPortHop, endpointsHop, insideHop].compactMap(\.self)
      + [agentHop, interceptHop, ruleHop, sessionHop].compactMap(\.self)
  }

  /// True if the first to get a request is this machine.
  public var comesHere: Bool {
    guard let own, own.state == .active || own.state == .starting else { return false }
    guard head != nil, own.rules?.isMirror != true else { return true }
    return takers.map { $0.first?.isOwn ?? false } ?? true
  }

  /// The side that gets a request, unless it is this machine.
  public var taker: String? {
    if comesHere { return own?.to.map { "\($0.context)/\($0.namespace)/\($0.target)" } }
    if let first = takers?.first, !first.isOwn { return first.name }
    let whole = holders.first { !$0.isOwn && $0.rules == nil && ($0.leaseAge ?? .infinity) <= Self.staleLease }
    if head == nil, own == nil, let whole { return whole.name }
    return "the Service's own Pods"
  }

  /// The end of the way on this machine; nil if the Service is not intercepted from here.
  public var host: WayReport.Host? {
    guard let own, let port, let taken = own.ports.first(where: { $0.service == port.number })?.host,
      let colon = taken.lastIndex(of: ":"), let number = UInt16(taken[taken.index(after: colon)...])
    else { return nil }
    let address = taken[..<colon].filter { $0 != "[" && $0 != "]" }
    return WayReport.Host(
      address: address, port: number, isInShell: own.inShell == true, expectsTLS: port.expectsTLS)
  }

  /// True if an agent stands between the Service and its own Pods, and answers for them.
  var isLedByAgent: Bool {
    let agents = Set(agentPods.compactMap(\.name))
    return isDiverted && WayEndpoint.all(slices, port: port).contains { $0.isReady && agents.contains($0.pod ?? "") }
  }
}

/// Returns at most `limit` of the texts, with the number of the others.
func some(_ texts: [String], _ limit: Int = 4) -> String {
  texts.prefix(limit).joined(separator: ", ") + (texts.count > limit ? " and \(texts.count - limit) more" : "")
}

/// Returns `1 Pod`, `2 Pods`.
func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
