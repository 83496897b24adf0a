import CControl
import Synchronization

/// Gives memory back once a process that stays has had nothing to do for a while: each piece of work touches much code
/// and memory that nobody needs until the next one.
public final class IdleMemory: Sendable {
  private let requests = Mutex(0)
  private let quiet: Duration

  public init(quiet: Duration = .seconds(5)) { self.quiet = quiet }

  /// Something has been done; what it has touched is given back unless there is more to do within the quiet time.
  public func touched() {
    let mine = requests.withLock {
      $0 += 1; return $0
    }
    Task.detached(priority: .background) { [self] in
      try await Task.sleep(for: quiet)
      if requests.withLock({ $0 == mine }) { ccontrol_release_memory() }
    }
  }
}
