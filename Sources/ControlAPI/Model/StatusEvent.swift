/// `devtunnel status --watch`: the answer comes in `StatusEvent`s, until the daemon ends.
public struct WatchStatusRequest: ControlRequest {
  public typealias Reply = Nothing
  public static var method: Method { .watchStatus }

  public init() {}
}

/// One step of the daemon's state, as a line of `status --watch --output json` has it.
public struct StatusEvent: Sendable, Hashable {
  public enum Change: Sendable, Hashable {
    /// The whole state: the first step, and the next one for a reader that has missed some.
    case snapshot(StatusReport)
    case added(StatusItem)
    case changed(StatusItem)
    case removed(StatusItem.Key)
    /// Nothing changed for a while.
    case heartbeat
    /// The daemon has ended. A snapshot follows once another one runs.
    case ended
  }

  /// RFC 3339.
  public var time: String
  public var change: Change

  public init(_ change: Change, time: String) {
    self.time = time
    self.change = change
  }
}

extension StatusEvent: Codable {
  private enum CodingKeys: String, CodingKey { case type, time, kind, id, value }
  private enum Name: String, Codable { case snapshot, added, changed, removed, heartbeat, ended }

  private var name: Name {
    switch change {
    case .snapshot: .snapshot
    case .added: .added
    case .changed: .changed
    case .removed: .removed
    case .heartbeat: .heartbeat
    case .ended: .ended
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .type)
    try container.encode(time, forKey: .time)
    switch change {
    case .snapshot(let report): try report.encode(to: encoder)
    case .added(let item), .changed(let item):
      try container.encode(item.kind, forKey: .kind)
      try container.encode(item.id, forKey: .id)
      switch item.value {
      case .daemon(let value): try container.encode(value, forKey: .value)
      case .intercept(let value): try container.encode(value, forKey: .value)
      case .forward(let value): try container.encode(value, forKey: .value)
      case .outbound(let value): try container.encode(value, forKey: .value)
      case .session(let value): try container.encode(value, forKey: .value)
      case .left(let value): try container.encode(value, forKey: .value)
      case .notes(let value): try container.encode(value, forKey: .value)
      }
    case .removed(let key):
      try container.encode(key.kind, forKey: .kind)
      try container.encode(key.id, forKey: .id)
    case .heartbeat, .ended: break
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    time = try container.decode(String.self, forKey: .time)
    func key() throws -> StatusItem.Key {
      StatusItem.Key(
        kind: try container.decode(StatusItem.Kind.self, forKey: .kind),
        id: try container.decode(String.self, forKey: .id))
    }
    func item() throws -> StatusItem {
      let key = try key()
      func value<Value: Decodable>() throws -> Value { try container.decode(Value.self, forKey: .value) }
      let found: StatusItem.Value =
        switch key.kind {
        case .daemon: .daemon(try value())
        case .intercept: .intercept(try value())
        case .forward: .forward(try value())
        case .outbound: .outbound(try value())
        case .session: .session(try value())
        case .left: .left(try value())
        case .notes: .notes(try value())
        }
      return StatusItem(id: key.id, value: found)
    }
    switch try container.decode(Name.self, forKey: .type) {
    case .snapshot: change = .snapshot(try StatusReport(from: decoder))
    case .added: change = .added(try item())
    case .changed: change = .changed(try item())
    case .removed: change = .removed(try key())
    case .heartbeat: change = .heartbeat
    case .ended: change = .ended
    }
  }
}

extension [StatusItem] {
  /// Returns the steps that make `new` of these.
  public func changes(to new: [StatusItem]) -> [StatusEvent.Change] {
    let (before, after) = (values, new.values)
    return filter { after[$0.key] == nil }.map { .removed($0.key) }
      + new.compactMap { item in
        guard let former = before[item.key] else { return .added(item) }
        return former == item.value ? nil : .changed(item)
      }
  }

  /// Takes a step; a reader that takes each has the daemon's state.
  public mutating func take(_ change: StatusEvent.Change) {
    switch change {
    case .snapshot(let report): self = report.items
    case .added(let item), .changed(let item):
      if let index = firstIndex(where: { $0.key == item.key }) { self[index] = item } else { append(item) }
    case .removed(let key): removeAll { $0.key == key }
    case .heartbeat, .ended: break
    }
  }

  /// Returns these, with the former value of each that differs from it by counters alone.
  public func keepingCounters(of former: [StatusItem]) -> [StatusItem] {
    let before = former.values
    return map { item in
      guard let value = before[item.key], value.withoutCounters == item.value.withoutCounters else { return item }
      return StatusItem(id: item.id, value: value)
    }
  }

  private var values: [StatusItem.Key: StatusItem.Value] {
    Dictionary(map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
  }
}
