import ControlAPI
import Synchronization

/// The forwards and intercepts that belong to a command in the foreground.
final class HeldByCommands: Sendable {
  enum Key: Hashable {
    case intercept(InterceptID)
    /// By its id.
    case forward(String)
  }

  private let ends = Mutex<[Key: AsyncStream<Never>.Continuation]>([:])

  /// Holds a forward or an intercept.
  /// - Returns: a sequence that ends when it is released, or when the task that iterates it is cancelled.
  func hold(_ key: Key) -> AsyncStream<Never> {
    let (stream, end) = AsyncStream<Never>.makeStream()
    ends.withLock { $0[key] = end }
    return stream
  }

  /// Releases it.
  /// - Returns: true if it was held until now.
  @discardableResult
  func release(_ key: Key) -> Bool {
    guard let end = ends.withLock({ $0.removeValue(forKey: key) }) else { return false }
    end.finish()
    return true
  }
}
