import Synchronization

/// One command that follows the requests that pass. Those that it does not take in time are dropped, and counted.
public final class ExchangeFollower: Sendable {
  private struct State {
    var queue: [ObservedExchange] = []
    var lost = 0
    var bytes = 0
  }

  /// Has an element when something waits that did not before.
  public let signals: AsyncStream<Void>
  public let wantsBodies: Bool
  private let signal: AsyncStream<Void>.Continuation
  private let state = Mutex(State())
  private let capacity: Int
  let accepts: @Sendable (ObservedPlace) -> Bool
  /// Bytes that wait; they are no part of the store's budget.
  private static let byteLimit = 16 << 20

  init(wantsBodies: Bool, capacity: Int, accepts: @escaping @Sendable (ObservedPlace) -> Bool) {
    self.accepts = accepts
    self.wantsBodies = wantsBodies
    self.capacity = capacity
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func offer(_ exchange: ObservedExchange) {
    let isFirst = state.withLock { state in
      let size = exchange.headBytes + exchange.bodyBytes
      guard state.queue.count < capacity, state.bytes + size <= Self.byteLimit else {
        state.lost += 1
        return false
      }
      state.queue.append(exchange)
      state.bytes += size
      return state.queue.count == 1
    }
    if isFirst { signal.yield() }
  }

  func lose(_ count: Int) {
    state.withLock { $0.lost += count }
    signal.yield()
  }

  /// Takes the oldest that wait, and the number of those that were dropped.
  public func take(atMost count: Int) -> (exchanges: [ObservedExchange], lost: Int) {
    state.withLock { state in
      let taken = Array(state.queue.prefix(count))
      state.queue.removeFirst(taken.count)
      for one in taken { state.bytes -= one.headBytes + one.bodyBytes }
      defer { state.lost = 0 }
      return (taken, state.lost)
    }
  }
}
