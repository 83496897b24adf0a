import ControlAPI

/// The daemon's state at one look; the number grows by one with each that differs.
struct StatusMoment: Sendable, Hashable {
  var number: Int
  var items: [StatusItem]
}

/// One reader of the state: decides what the reader must be told about a moment.
struct StatusFollower: Sendable {
  private var last: StatusMoment?

  /// Takes the next moment. A reader who missed one gets a snapshot in place of the changes.
  mutating func take(_ moment: StatusMoment) -> [StatusEvent.Change] {
    defer { last = moment }
    guard let last, moment.number - last.number <= 1 else { return [.snapshot(StatusReport(items: moment.items))] }
    return moment.number == last.number ? [.heartbeat] : last.items.changes(to: moment.items)
  }
}

/// The moments of an engine's state: decides which looks are new, and when readers need a heartbeat.
struct StatusMoments: Sendable {
  /// The looks without a change before a heartbeat.
  static let mostQuiet = 10

  /// The reason for a look.
  enum Reason: Sendable {
    /// Something changed. Things that differ by counters alone wait for the clock.
    case signal
    /// A second has passed.
    case clock
  }

  private(set) var latest: StatusMoment?
  private var quiet = 0

  /// Takes a look at the state.
  /// - Returns: the moment that readers must see; nil for none.
  mutating func take(_ items: [StatusItem], for reason: Reason) -> StatusMoment? {
    guard let former = latest else {
      latest = StatusMoment(number: 1, items: items)
      return latest
    }
    let items = reason == .clock ? items : items.keepingCounters(of: former.items)
    if former.items.changes(to: items).isEmpty {
      if reason == .clock { quiet += 1 }
      guard quiet >= Self.mostQuiet else { return nil }
    } else {
      latest = StatusMoment(number: former.number + 1, items: items)
    }
    quiet = 0
    return latest
  }
}
