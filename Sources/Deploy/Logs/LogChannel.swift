import Synchronization

/// A queue of lines from many logs to one reader. A sender waits while it is full: this back-pressure
/// reaches the API server's connection.
final class LogChannel: Sendable {
  private struct State {
    var lines: [LogLine] = []
    var isEnded = false
    var error: DeployError?
    var reader: CheckedContinuation<Void, Never>?
    var senders: [CheckedContinuation<Void, Never>] = []

    mutating func takeSenders() -> [CheckedContinuation<Void, Never>] {
      defer { senders = [] }
      return senders
    }
  }

  static let capacity = 1024
  private let state = Mutex(State())

  /// - Returns: false once the reader has ended.
  func send(_ lines: [LogLine]) async -> Bool {
    while true {
      enum Step {
        case sent(CheckedContinuation<Void, Never>?)
        case full, ended
      }
      let step: Step = state.withLock { state in
        if state.isEnded { return .ended }
        guard state.lines.count < Self.capacity else { return .full }
        state.lines += lines
        defer { state.reader = nil }
        return .sent(state.reader)
      }
      switch step {
      case .sent(let reader):
        reader?.resume()
        return true
      case .ended: return false
      case .full: await waitForRoom()
      }
    }
  }

  private func waitForRoom() async {
    await withCheckedContinuation { continuation in
      let isFull = state.withLock { state in
        guard !state.isEnded, state.lines.count >= Self.capacity else { return false }
        state.senders.append(continuation)
        return true
      }
      if !isFull { continuation.resume() }
    }
  }

  /// Returns all lines so far, for one reader; nil at the end.
  func next() async throws(DeployError) -> [LogLine]? {
    while true {
      let (lines, senders, isEnded, error) = state.withLock { state in
        defer { state.lines = [] }
        return (state.lines, state.takeSenders(), state.isEnded, state.error)
      }
      for sender in senders { sender.resume() }
      if !lines.isEmpty { return lines }
      if let error { throw error }
      if isEnded { return nil }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let mustWait = state.withLock { state in
            guard state.lines.isEmpty, !state.isEnded else { return false }
            state.reader = continuation
            return true
          }
          if !mustWait { continuation.resume() }
        }
      } onCancel: {
        end(nil)
      }
    }
  }

  /// Ends the channel; the first end counts.
  func end(_ error: DeployError?) {
    let waiting = state.withLock { state in
      if !state.isEnded { state.error = error }
      state.isEnded = true
      defer { state.reader = nil }
      return state.takeSenders() + (state.reader.map { [$0] } ?? [])
    }
    for continuation in waiting { continuation.resume() }
  }
}
