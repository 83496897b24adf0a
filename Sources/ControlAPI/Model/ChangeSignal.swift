import Synchronization

/// A bell for those who wait for changes; many rings before they look are one.
public final class ChangeSignal: Sendable {
  private struct State {
    var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  public init() {}

  /// Tells all who listen that something changed. Without any it costs a lock.
  public func ring() { for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() } }

  /// Listens from now on, until the task that iterates ends.
  public func rings() -> AsyncStream<Void> {
    let (rings, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.next += 1
      state.listeners[state.next] = listener
      return state.next
    }
    listener.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
    return rings
  }
}
