import CControl
import Synchronization

/// Gives memory back once a long-running process has been idle for a while: each piece of work touches much code and
/// memory that nothing needs until the next one.
public final class IdleMemory: Sendable {
  private let requests = Mutex(0)
  private let quiet: Duration

  public init(quiet: Duration = .seconds(5)) { self.quiet = quiet }

  /// Notes finished work; its memory is given back unless more work comes within the quiet time.
  public func touched() {
    let mine = requests.withLock {
      $0 += 1
      return $0
    }
    Task.detached(priority: .background) { [self] in
      try await Task.sleep(for: quiet)
      if requests.withLock({ $0 == mine }) { ccontrol_release_memory() }
    }
  }
}
