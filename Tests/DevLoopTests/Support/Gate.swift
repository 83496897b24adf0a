/// Holds tasks until they are cancelled, and lets a test wait until one is held: what happens in between is the test's
/// to say, not the clock's.
final class Gate: Sendable {
  private let arrivals: AsyncStream<Void>
  private let arrived: AsyncStream<Void>.Continuation

  init() { (arrivals, arrived) = AsyncStream.makeStream() }

  /// Returns when one more task is held.
  func untilHeld() async {
    for await _ in arrivals { return }
  }

  /// - Throws: `CancellationError` once the task is cancelled, never before.
  func hold() async throws {
    arrived.yield()
    // A stream without an element ends with its reader's task.
    let (nothing, end) = AsyncStream.makeStream(of: Never.self)
    for await _ in nothing {}
    end.finish()
    throw CancellationError()
  }
}
