import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A thread that accepts connections, and the listening socket, which it owns.
///
/// Only this thread closes the socket. A number that another thread closes can belong to the listener of another server
/// by the time of the next accept(2): a server that has ended would then answer for one that runs.
public final class AcceptingThread: Sendable {
  private let listener: Int32
  private let isOver = Mutex(false)

  /// - Parameters:
  ///   - listener: a listening socket; it is made blocking.
  ///   - accepted: called on the thread with each connection, which is blocking, close-on-exec and the callee's to
  ///     close.
  public init(_ listener: Int32, accepted: @escaping @Sendable (Int32) -> Void) {
    self.listener = listener
    _ = fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK)
    Thread.detachNewThread { [self] in
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0, errno == EINTR || errno == ECONNABORTED { continue }
        guard connection >= 0 else { break }
        // Processes that other tests start must not hold it.
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        accepted(connection)
      }
      isOver.withLock { isOver in
        isOver = true
        close(listener)
      }
    }
  }

  /// Makes the port refuse from now on. From any thread, any number of times.
  public func stop() {
    isOver.withLock { isOver in
      if !isOver { shutdown(listener, Int32(SHUT_RDWR)) }
    }
  }
}
