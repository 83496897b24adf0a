import ControlAPI
import FoundationEssentials

/// Looks at the engine's state for all who watch it: at each signal of a change, and once a second for the counters.
/// Nobody looks while nobody watches.
actor StatusHub {
  /// The moments that wait for a reader; one that does not keep up misses the oldest.
  private static let mostWaiting = 16
  /// The least time between two looks: several changes at once are one.
  private let spacing: Duration
  private let tick: Duration
  private let engine: any Engine
  private let daemon: DaemonReport
  private var readers: [Int: AsyncStream<StatusMoment>.Continuation] = [:]
  private var nextReader = 0
  private var moments = StatusMoments()
  private var looking: Task<Void, Never>?

  init(
    engine: any Engine, daemon: DaemonReport, spacing: Duration = .milliseconds(50), tick: Duration = .seconds(1)
  ) {
    self.engine = engine
    self.daemon = daemon
    self.spacing = spacing
    self.tick = tick
  }

  /// Gives the state, then its changes, until the task is cancelled.
  /// - Parameter give: returns once the reader may get more.
  func follow(_ give: @Sendable ([StatusEvent]) async -> Void) async {
    nextReader += 1
    let id = nextReader
    let (waiting, feed) = AsyncStream.makeStream(
      of: StatusMoment.self, bufferingPolicy: .bufferingNewest(Self.mostWaiting))
    readers[id] = feed
    if looking == nil { looking = Task { await look() } } else if let latest = moments.latest { feed.yield(latest) }
    var follower = StatusFollower()
    for await moment in waiting {
      let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
      await give(follower.take(moment).map { StatusEvent($0, time: time) })
    }
    readers[id] = nil
    guard readers.isEmpty else { return }
    looking?.cancel()
    looking = nil
    moments = StatusMoments()
  }

  private func look() async {
    let (reasons, feed) = AsyncStream.makeStream(of: StatusMoments.Reason.self, bufferingPolicy: .bufferingNewest(1))
    let signals = engine.changes()
    feed.yield(.clock)
    let bell = Task { for await _ in signals { feed.yield(.signal) } }
    let clock = Task { [tick] in while (try? await Task.sleep(for: tick)) != nil { feed.yield(.clock) } }
    for await reason in reasons {
      var report = await engine.status()
      report.daemon = daemon
      // Another one looks since the last reader came back.
      if Task.isCancelled { break }
      if let moment = moments.take(report.items, for: reason) { for reader in readers.values { reader.yield(moment) } }
      try? await Task.sleep(for: spacing)
    }
    bell.cancel()
    clock.cancel()
  }
}
