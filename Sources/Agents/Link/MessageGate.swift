import Synchronization

/// A bound on an agent's messages, and on the API server's, that the link has not handled yet: both may send without
/// end. Further ones are dropped.
final class MessageGate: Sendable {
  private let waiting = Atomic(0)
  private let limit: Int

  init(limit: Int = 4096) { self.limit = limit }

  /// Counts an event that waits from now on; false if too many wait. Events of the session always pass: few come.
  func admits(_ event: LinkEvent) -> Bool {
    guard Self.isCounted(event) else { return true }
    guard waiting.add(1, ordering: .relaxed).newValue > limit else { return true }
    waiting.subtract(1, ordering: .relaxed)
    return false
  }

  func handled(_ event: LinkEvent) { if Self.isCounted(event) { waiting.subtract(1, ordering: .relaxed) } }

  private static func isCounted(_ event: LinkEvent) -> Bool { if case .session = event { false } else { true } }
}
