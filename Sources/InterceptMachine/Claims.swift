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
  /// The texts of the rules that say which requests are meant; nil for all of the port.
  public var rules: Set<String>?

  public init(holder: String, services: [String], count: UInt64, since: String = "", rules: Set<String>? = nil) {
    self.rules = rules
    self.holder = holder
    self.services = services
    self.count = count
    self.since = since
  }

  /// Checks whether this claim and another one cannot both hold: two to all of a port, or two with a rule in common.
  func excludes(_ other: Set<String>?) -> Bool {
    guard let rules, let other else { return rules == nil && other == nil }
    return !rules.isDisjoint(with: Self.exclusive(other))
  }

  /// Returns the rules that one holder alone can have: all but those for copies, which take nothing from anyone.
  static func exclusive(_ rules: Set<String>) -> Set<String> {
    rules.filter { !$0.utf8.split(separator: 10).contains { $0.elementsEqual("copy *".utf8) } }
  }
}

/// The holders of a workload's ports. They are recorded on the agent's Deployment, which all holders share: a change
/// of them and the removal of the agent exclude each other there.
public struct Claims: Hashable, Sendable {
  /// Those to all of a port.
  public var ports: [UInt16: Claim]
  /// Those to the requests of a port that meet rules. Each is through one Service.
  public var personal: [UInt16: [Claim]]
  /// The highest count that was given.
  public var count: UInt64
  /// The holder that removes the agent, since no claims were left. A new claim stops it.
  public var closer: String?

  public init(
    ports: [UInt16: Claim] = [:], personal: [UInt16: [Claim]] = [:], count: UInt64 = 0, closer: String? = nil
  ) {
    self.personal = personal
    self.ports = ports
    self.count = count
    self.closer = closer
  }

  /// Every claim, with its port.
  public var all: [(port: UInt16, claim: Claim)] {
    ports.map { ($0, $1) } + personal.flatMap { port, claims in claims.map { (port, $0) } }
  }
  public var isEmpty: Bool { ports.isEmpty && personal.isEmpty }
  public var holders: Set<String> { Set(all.map(\.claim.holder)) }

  /// Returns the holders other than `holder`, with the Services of each.
  public func others(than holder: String) -> [String: Set<String>] {
    all.reduce(into: [:]) { others, one in
      if one.claim.holder != holder { others[one.claim.holder, default: []].formUnion(one.claim.services) }
    }
  }

  /// Returns the holders, other than `holder`, of any of the ports, or of any of the rules there.
  public func others(than holder: String, on wanted: Set<UInt16>, rules: Set<String>? = nil) -> Set<String> {
    let rivals = all.lazy.filter { port, claim in
      wanted.contains(port) && claim.holder != holder && claim.excludes(rules)
    }
    return Set(rivals.map(\.claim.holder))
  }

  /// Returns the holders, other than `holder`, of a Service.
  public func others(than holder: String, of service: String) -> Set<String> {
    Set(all.lazy.map(\.claim).filter { $0.holder != holder && $0.services.contains(service) }.map(\.holder))
  }

  /// Checks whether anyone claims a port through the Service.
  public func contains(service: String) -> Bool { all.contains { $0.claim.services.contains(service) } }

  /// Returns a holder's claim to a port through a Service.
  public func claim(of holder: String, to port: UInt16, through service: String) -> Claim? {
    ([ports[port]].compactMap(\.self) + (personal[port] ?? [])).first {
      $0.holder == holder && $0.services.contains(service)
    }
  }

  // MARK: Changes

  /// Gives a holder the ports of one more Service, or the requests there that meet the rules. Other holders of these
  /// ports, or of these rules, lose them.
  public mutating func take(
    _ wanted: Set<UInt16>, of service: String, for holder: String, rules: Set<String>? = nil, since: String = ""
  ) {
    guard !wanted.isEmpty, rules?.isEmpty != true else { return }
    closer = nil
    // A former intercept of the Service may have taken something else of it.
    removeClaims(of: holder) { ($0.rules == nil) != (rules == nil) ? [service] : [] }
    let isNew = wanted.contains { port in
      guard let rules else { return ports[port]?.holder != holder }
      return claim(of: holder, to: port, through: service)?.rules != rules
    }
    if isNew { count += 1 }
    for port in wanted {
      if let rules {
        take(rules, at: port, of: service, for: holder, since)
      } else if var own = ports[port], own.holder == holder {
        if !own.services.contains(service) { own.services = (own.services + [service]).sorted() }
        ports[port] = own
      } else {
        ports[port] = Claim(holder: holder, services: [service], count: count, since: since)
      }
    }
  }

  private mutating func take(
    _ rules: Set<String>, at port: UInt16, of service: String, for holder: String, _ since: String
  ) {
    guard claim(of: holder, to: port, through: service)?.rules != rules else { return }
    var claims = personal[port] ?? []
    claims.removeAll { $0.holder == holder && $0.services == [service] }
    for index in claims.indices {
      // A holder's rules of a port are turned together, with one count.
      if claims[index].holder == holder {
        claims[index].count = count
      } else {
        claims[index].rules?.subtract(Claim.exclusive(rules))
      }
    }
    claims.removeAll { $0.rules?.isEmpty != false }
    personal[port] = claims + [Claim(holder: holder, services: [service], count: count, since: since, rules: rules)]
  }

  /// Removes a holder's claims through these Services.
  public mutating func remove(_ services: Set<String>, of holder: String) {
    removeClaims(of: holder) { _ in services }
    if isEmpty { closer = holder }
  }

  /// Removes all claims of a holder.
  public mutating func remove(holder: String) { removeClaims(of: holder) { Set($0.services) } }

  /// Takes Services off a holder's claims, those that `services` returns for each. A claim without any is removed.
  private mutating func removeClaims(of holder: String, services: (Claim) -> Set<String>) {
    func rest(_ claim: Claim) -> Claim? {
      guard claim.holder == holder else { return claim }
      var claim = claim
      claim.services.removeAll(where: services(claim).contains)
      return claim.services.isEmpty ? nil : claim
    }
    ports = ports.compactMapValues(rest)
    personal = personal.mapValues { $0.compactMap(rest) }.filter { !$0.value.isEmpty }
  }
}
