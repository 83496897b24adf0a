import CControl
import Synchronization
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The daemon's Unix socket: mode 0600, and open to one uid only, independent of the file's mode.
package final class ControlListener: Sendable {
  /// Connections of the right uid. Ends after `stop`, which must be called: the socket's thread keeps this object
  /// alive.
  package let connections: AsyncStream<LineConnection>
  private let path: String
  private let wake: Int32
  private let ended = Mutex(false)

  /// Binds; an old socket file is replaced, so the caller must hold the daemon's lock.
  /// - Parameter refused: called for each connection that was turned away, with the reason.
  package init(path: String, uid: UInt32 = geteuid(), refused: @escaping @Sendable (String) -> Void)
    throws(ControlError)
  {
    self.path = path
    unlink(path)
    let fd = ccontrol_listen(path)
    guard fd >= 0 else {
      let remedy = fd == -ENAMETOOLONG ? "set XDG_RUNTIME_DIR to a shorter path" : nil
      throw .system("cannot listen on \(path)", Int(fd), remedy: remedy)
    }
    wake = ccontrol_eventfd()
    guard wake >= 0 else {
      ccontrol_close(fd)
      throw .system("no event descriptor", Int(wake))
    }
    let (connections, continuation) = AsyncStream<LineConnection>.makeStream()
    self.connections = connections
    do throws(ThreadError) {
      try startThread("control-accept", stackSize: LineConnection.stackSize) { [self] in
        ControlListener.accept(fd, wake, uid, continuation, refused)
        ccontrol_close(fd)
        ended.withLock { ended in
          ended = true
          ccontrol_close(wake)
        }
        continuation.finish()
      }
    } catch {
      ccontrol_close(fd)
      ccontrol_close(wake)
      throw ControlError(.failed, error.description)
    }
  }

  /// Stops accepting connections: the file is removed first, so that the next command starts a new daemon.
  package func stop() {
    ended.withLock { ended in
      guard !ended else { return }
      unlink(path)
      ccontrol_signal(wake)
    }
  }

  private static func accept(
    _ fd: Int32, _ wake: Int32, _ uid: UInt32, _ connections: AsyncStream<LineConnection>.Continuation,
    _ refused: (String) -> Void
  ) {
    while true {
      let ready = ccontrol_wait(fd, Int32(ccontrol_readable), wake)
      if ready < 0 || ready & Int32(ccontrol_woken) != 0 { return }
      let connection = ccontrol_accept(fd)
      switch connection {
      case 0...:
        do {
          try PeerCredentials.require(uid: uid, of: connection)
        } catch {
          ccontrol_close(connection)
          refused(error.message)
          continue
        }
        do { connections.yield(try LineConnection(connection)) } catch { refused(error.message) }
      case -EAGAIN, -ECONNABORTED: continue
      case -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS:
        refused("no connection can be taken: \(String(cString: strerror(-connection)))")
        // The connection stays in the backlog and the socket readable: without a pause this loop would spin.
        usleep(100_000)
      default: return
      }
    }
  }
}
