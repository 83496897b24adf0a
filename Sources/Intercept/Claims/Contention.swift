/// Pauses between attempts to change what others change too. They grow, and no two people's are the same: so many who
/// come at once get their turns.
struct Contention {
  private let deadline: ContinuousClock.Instant
  private var attempt = 0

  /// - Parameter limit: the time after which there is no further attempt.
  init(within limit: Duration = .seconds(30), from now: ContinuousClock.Instant = .now) { deadline = now + limit }

  /// The pause before an attempt.
  /// - Parameters:
  ///   - attempt: the number of those before it, from 1.
  ///   - random: 0 to 1.
  static func pause(before attempt: Int, random: Double) -> Duration {
    .milliseconds(20) + .milliseconds(50) * min(attempt, 20) * (2 * random)
  }

  /// Waits for the next attempt; false if the time is over.
  mutating func waits() async -> Bool {
    attempt += 1
    guard ContinuousClock.now < deadline else { return false }
    do { try await Task.sleep(for: Self.pause(before: attempt, random: .random(in: 0...1))) } catch { return false }
    return true
  }
}
