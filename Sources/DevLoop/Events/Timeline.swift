/// The times of a save's steps, in milliseconds since its first event; nil for steps that were not
/// needed or not reached. A round that no save began counts from its own start.
public struct Timeline: Sendable, Hashable, Codable {
  /// The save's batch of events was complete.
  public var detected: Int?
  public var buildStarted: Int?
  public var built: Int?
  public var loaded: Int?
  public var synced: Int?
  public var applied: Int?
  public var ready: Int?
  /// A Pod took a connection through the first port-forward.
  public var answered: Int?

  public init() {}

  /// True if a save began it.
  public var isOfSave: Bool { detected != nil }

  /// True if something was done.
  var hasResult: Bool { buildStarted != nil || synced != nil || applied != nil || ready != nil }
}

/// Takes a timeline's times.
struct Stopwatch: Sendable {
  let start: ContinuousClock.Instant
  var timeline = Timeline()

  mutating func mark(_ step: WritableKeyPath<Timeline, Int?>) { timeline[keyPath: step] = (.now - start).milliseconds }
}

extension Duration {
  var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
