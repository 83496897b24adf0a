/// Since when no ready agent stands behind a diverted Service, which then has no endpoint at all.
struct AgentAbsence: Sendable {
  /// A new Pod is ready in about this time, where the image is on the node; the old one goes on accepting as long.
  static let patience = Duration.seconds(2)

  private(set) var since: ContinuousClock.Instant?

  mutating func note(_ endpoints: ServiceEndpoints, at now: ContinuousClock.Instant = .now) {
    since = endpoints.agents.isEmpty ? since ?? now : nil
  }

  var isListed: Bool { since == nil }

  func isTooLong(at now: ContinuousClock.Instant = .now) -> Bool { since.map { now - $0 >= Self.patience } ?? false }
}
