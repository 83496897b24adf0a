import Synchronization

/// The forwards and intercepts that belong to a command in the foreground, by id.
final class HeldByCommands: Sendable {
  private let ends = Mutex<[String: AsyncStream<Never>.Continuation]>([:])

  /// - Returns: a sequence that ends when it is released, or the task that iterates it is cancelled.
  func hold(_ id: String) -> AsyncStream<Never> {
    let (stream, end) = AsyncStream<Never>.makeStream()
    ends.withLock { $0[id] = end }
    return stream
  }

  /// - Returns: whether it was held until now.
  @discardableResult
  func release(_ id: String) -> Bool {
    guard let end = ends.withLock({ $0.removeValue(forKey: id) }) else { return false }
    end.finish()
    return true
  }
}
