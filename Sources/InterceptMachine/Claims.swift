/// One holder's right to a port of a workload's Pods.
public struct Claim: Hashable, Sendable {
  /// The installation that holds it, such as `alice@laptop/8f3a…`.
  public var holder: String
  /// The Services through which its connections arrive, sorted.
  public var services: [String]
  /// Grows with each claim on the workload, so that the agent refuses a former holder.
  public var count: UInt64
  /// RFC 3339.
  public var since: String

  public init(holder: String, services: [String], count: UInt64, since: String = "") {
    self.holder = holder
    self.services = services
    self.count = count
    self.since = since
  }
}

/// The holders of a workload's ports. They are recorded on the agent's Deployment, which all holders share: a change
/// of them and the removal of the agent exclude each other there.
public struct Claims: Hashable, Sendable {
  public var ports: [UInt16: Claim]
  /// The highest count that was given.
  public var count: UInt64
  /// The holder that removes the agent, since no claims were left. A new claim stops it.
  public var closer: String?

  public init(ports: [UInt16: Claim] = [:], count: UInt64 = 0, closer: String? = nil) {
    self.ports = ports
    self.count = count
    self.closer = closer
  }

  public var isEmpty: Bool { ports.isEmpty }
  public var holders: Set<String> { Set(ports.values.map(\.holder)) }

  /// Returns the holders other than `holder`, with the Services of each.
  public func others(than holder: String) -> [String: Set<String>] {
    ports.values.reduce(into: [:]) { others, claim in
      if claim.holder != holder { others[claim.holder, default: []].formUnion(claim.services) }
    }
  }

  /// Returns the holders, other than `holder`, of any of the ports.
  public func others(than holder: String, on wanted: Set<UInt16>) -> Set<String> {
    Set(ports.lazy.filter { wanted.contains($0.key) && $0.value.holder != holder }.map(\.value.holder))
  }

  /// Returns the holders, other than `holder`, of a Service.
  public func others(than holder: String, of service: String) -> Set<String> {
    Set(ports.values.lazy.filter { $0.holder != holder && $0.services.contains(service) }.map(\.holder))
  }

  /// Checks whether anyone claims a port through the Service.
  public func contains(service: String) -> Bool { ports.values.contains { $0.services.contains(service) } }

  /// Gives a holder the ports of one more Service. Other holders of these ports lose them.
  public mutating func take(_ wanted: Set<UInt16>, of service: String, for holder: String, since: String = "") {
    guard !wanted.isEmpty else { return }
    closer = nil
    var isNew = false
    for port in wanted where ports[port]?.holder != holder { isNew = true }
    if isNew { count += 1 }
    for port in wanted {
      if var own = ports[port], own.holder == holder {
        if !own.services.contains(service) { own.services = (own.services + [service]).sorted() }
        ports[port] = own
      } else {
        ports[port] = Claim(holder: holder, services: [service], count: count, since: since)
      }
    }
  }

  /// Removes a holder's claims through these Services.
  public mutating func remove(_ services: Set<String>, of holder: String) {
    for (port, claim) in ports where claim.holder == holder {
      var claim = claim
      claim.services.removeAll(where: services.contains)
      ports[port] = claim.services.isEmpty ? nil : claim
    }
    if isEmpty { closer = holder }
  }

  /// Removes all claims of a holder.
  public mutating func remove(holder: String) { ports = ports.filter { $0.value.holder != holder } }
}
