import ControlAPI

/// Changes of the daemon's state as lines for people. Pure: takes events, gives lines.
struct StatusLines: Sendable {
  private(set) var items: [StatusItem] = []

  /// Takes an event.
  /// - Returns: a line for each thing whose text is another one now. Counters are not in it.
  mutating func take(_ change: StatusEvent.Change) -> [String] {
    let before = items
    items.take(change)
    switch change {
    case .heartbeat: return []
    case .ended:
      items = []
      return ["The daemon has ended; waiting for another one."]
    case .snapshot, .added, .changed, .removed:
      return before.changes(to: items).flatMap { Self.lines($0, before) }
    }
  }

  private static func lines(_ change: StatusEvent.Change, _ before: [StatusItem]) -> [String] {
    switch change {
    case .added(let item), .changed(let item):
      let former = before.first { $0.key == item.key }?.value.facts ?? []
      let facts = item.value.facts
      return facts == former ? [] : facts.filter { !former.contains($0) }.map { item.name + $0 }
    case .removed(let key): return ["\(key.kind.rawValue) \(key.id): gone"]
    case .snapshot, .heartbeat, .ended: return []
    }
  }
}

extension StatusItem {
  /// `intercept kind-dev/shop/web: `, or `left: `.
  fileprivate var name: String {
    switch value {
    case .daemon, .left, .notes: "\(kind.rawValue): "
    case .intercept, .forward, .outbound, .session: "\(kind.rawValue) \(id): "
    }
  }
}

extension StatusItem.Value {
  /// The facts that a line tells.
  fileprivate var facts: [String] {
    func joined(_ parts: [String?]) -> [String] { [parts.compactMap(\.self).joined(separator: ": ")] }
    switch self {
    case .daemon(let one): return ["\(one.version), pid \(one.pid)"]
    case .intercept(let one): return joined([one.state.rawValue, one.message])
    case .forward(let one):
      let ports = one.ports.map { "\($0.host) → \(one.target) port \($0.remote)" }.joined(separator: ", ")
      return joined([ports, one.message ?? one.ports.compactMap(\.lastProblem).first])
    case .outbound(let one):
      let place = one.address ?? one.pid.map { "pid \($0)" }
      return joined(["\(one.kind) at \(place ?? "-")", one.lastProblem])
    case .session(let one): return joined([one.state, one.state == "connected" ? one.pod : one.lastProblem])
    case .left(let all): return all.lines
    case .notes(let all): return all
    }
  }
}
