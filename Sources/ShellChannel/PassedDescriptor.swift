import Glibc
import Synchronization

/// A received descriptor, or one to send. It is closed with the last reference, unless it was taken.
public final class PassedDescriptor: Sendable {
  private let held: Atomic<Int32>

  /// Takes ownership of `fd`.
  public init(_ fd: Int32) { held = Atomic(fd) }

  deinit {
    let fd = held.load(ordering: .relaxed)
    if fd >= 0 { close(fd) }
  }

  /// The descriptor, still owned by this object; -1 once it was taken.
  public var fd: Int32 { held.load(ordering: .relaxed) }

  /// Gives the descriptor away: the caller closes it from now on. -1 if it was taken before.
  public func take() -> Int32 { held.exchange(-1, ordering: .relaxed) }
}
