import ControlAPI
import FoundationEssentials
import Synchronization

/// Follows the state of the user's daemon, and of the next one when that ends.
struct StatusWatcher: Sendable {
  let context: CommandContext
  /// The time between two looks for a new daemon.
  var pause = Duration.milliseconds(500)

  /// Gives each event, until the task is cancelled. The first call starts a daemon if none runs; later ones wait until
  /// another command does.
  func run(_ take: @escaping @Sendable (StatusEvent) -> Void) async throws(ControlError) {
    var client = context.client()
    var isFirst = true
    while !Task.isCancelled {
      let began = Atomic(false)
      do throws(ControlError) {
        _ = try await client.call(WatchStatusRequest()) { (event: StatusEvent) in
          began.store(true, ordering: .relaxed)
          take(event)
        }
      } catch {
        // A daemon that ends may not answer any more; all else would fail again.
        if !began.load(ordering: .relaxed), isFirst || error.code != .failed { throw error }
      }
      if Task.isCancelled { return }
      if began.load(ordering: .relaxed) { take(StatusEvent(.ended, time: Self.now)) }
      isFirst = false
      guard let next = try await another() else { return }
      client = next
    }
  }

  private static var now: String { Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }

  /// Waits for another daemon; nil if the task is cancelled.
  private func another() async throws(ControlError) -> ControlClient? {
    while (try? await Task.sleep(for: pause)) != nil {
      if let client = try ControlClient.ofRunningDaemon(paths: context.paths) { return client }
    }
    return nil
  }
}
