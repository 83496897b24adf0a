/// A thing in a status, which comes, changes and goes by itself.
public struct StatusItem: Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case daemon, intercept, forward, outbound, session, left, notes
  }

  public enum Value: Sendable, Hashable {
    case daemon(DaemonReport)
    case intercept(InterceptReport)
    case forward(ForwardReport)
    case outbound(OutboundReport)
    case session(SessionReport)
    case left([LeaveReport])
    case notes([String])
  }

  /// Unique among those of its kind at a time.
  public var id: String
  public var value: Value

  public init(id: String, value: Value) {
    self.id = id
    self.value = value
  }

  public var kind: Kind {
    switch value {
    case .daemon: .daemon
    case .intercept: .intercept
    case .forward: .forward
    case .outbound: .outbound
    case .session: .session
    case .left: .left
    case .notes: .notes
    }
  }

  /// Its place in tables.
  public var key: Key { Key(kind: kind, id: id) }

  public struct Key: Sendable, Hashable {
    public var kind: Kind
    public var id: String

    public init(kind: Kind, id: String) {
      self.kind = kind
      self.id = id
    }
  }
}

extension StatusReport {
  /// The things in it. Of several with one id, such as an intercept beside the remains of a former one, the second has
  /// `#2` behind it, and so on.
  public var items: [StatusItem] {
    var items: [StatusItem] = []
    var taken: [StatusItem.Key: Int] = [:]
    func add(_ id: String, _ value: StatusItem.Value) {
      var item = StatusItem(id: id, value: value)
      let count = taken[item.key, default: 0] + 1
      taken[item.key] = count
      if count > 1 { item.id += "#\(count)" }
      items.append(item)
    }
    if let daemon { add("daemon", .daemon(daemon)) }
    for one in intercepts { add("\(one.context)/\(one.namespace)/\(one.service)", .intercept(one)) }
    for one in forwards { add(one.id, .forward(one)) }
    for one in outbound { add(one.id, .outbound(one)) }
    for one in sessions { add("\(one.context)/\(one.namespace)/\(one.agent)", .session(one)) }
    add("left", .left(left))
    add("notes", .notes(notes ?? []))
    return items
  }

  /// Makes a report of its things.
  public init(items: [StatusItem]) {
    self.init(daemon: nil)
    for item in items {
      switch item.value {
      case .daemon(let one): daemon = one
      case .intercept(let one): intercepts.append(one)
      case .forward(let one): forwards.append(one)
      case .outbound(let one): outbound.append(one)
      case .session(let one): sessions.append(one)
      case .left(let all): left = all
      case .notes(let all): notes = all
      }
    }
  }
}

extension StatusItem.Value {
  /// The same without the figures that change with each connection: two that are equal differ in nothing else.
  public var withoutCounters: StatusItem.Value {
    switch self {
    case .daemon, .left, .notes: return self
    case .intercept(var one):
      one.message = one.message?.filter { !$0.isNumber }
      one.ports = one.ports.map { port in
        var port = port
        (port.toHost, port.toOrigin) = (0, 0)
        port.onOrigin = port.onOrigin?.mapValues { _ in 0 }
        port.copies = port.copies.map { _ in 0 }
        port.lostCopies = port.lostCopies.map { _ in 0 }
        return port
      }
      return .intercept(one)
    case .forward(var one):
      for index in one.ports.indices { (one.ports[index].connections, one.ports[index].refused) = (0, 0) }
      return .forward(one)
    case .outbound(var one):
      (one.clusterConnections, one.hostConnections, one.refused) = (0, 0, 0)
      (one.flows, one.queries, one.cachedQueries, one.lastQueries) = (0, 0, 0, [])
      return .outbound(one)
    case .session(var one):
      (one.roundTripMilliseconds, one.streams, one.sentBytes, one.receivedBytes) = (nil, 0, 0, 0)
      return .session(one)
    }
  }
}
