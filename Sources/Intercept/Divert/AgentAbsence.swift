/// The time since which a diverted Service has had no ready agent, and so no endpoint at all.
struct AgentAbsence: Sendable {
  /// A new Pod is ready in about this time if its node has the image; the old Pod accepts connections as long.
  static let patience = Duration.seconds(2)

  private(set) var since: ContinuousClock.Instant?

  mutating func note(_ endpoints: ServiceEndpoints, at now: ContinuousClock.Instant = .now) {
    since = endpoints.agents.isEmpty ? since ?? now : nil
  }

  var isListed: Bool { since == nil }

  func isTooLong(at now: ContinuousClock.Instant = .now) -> Bool { since.map { now - $0 >= Self.patience } ?? false }
}
