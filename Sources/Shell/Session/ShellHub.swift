import CLinux
import Logging
import Relay
import ShellChannel

/// A helper's message to the daemon.
public enum ShellEvent: Sendable {
  case hello(OnLoop<ShellPeer>, ShellHello)
  /// The command has ended; the helper waits for `bye`.
  case exiting(id: String, code: Int32, OnLoop<ShellPeer>)
  /// The helper ended without a message.
  case gone(id: String)
}

/// The socket that helpers connect to. Belongs to the relay's thread.
public final class ShellHub: Handler {
  private let loop: EventLoop
  private let socket: ShellSocket
  private let tell: @Sendable (ShellEvent) -> Void
  private let log: Logger

  /// - Throws: `ShellChannelError` if the socket cannot be made.
  public init(loop: EventLoop, path: String, log: Logger, tell: @escaping @Sendable (ShellEvent) -> Void)
    throws(ShellChannelError)
  {
    socket = try ShellSocket(path: path)
    self.loop = loop
    self.tell = tell
    self.log = log
    super.init()
    loop.watch(socket.fd, self)
  }

  public override func ready(_ events: UInt32) {
    while true {
      do {
        guard let connection = try socket.accept() else { return }
        ShellPeer(loop: loop, connection: connection, tell: tell).start()
      } catch {
        log.warning("a shell's helper was not let in", metadata: ["why": "\(error)"])
        if case .stranger = error { continue }
        return
      }
    }
  }

  /// Stops accepting helpers; open peers stay.
  public func close() {
    loop.unwatch(socket.fd)
    loop.unregister(self)
  }
}
