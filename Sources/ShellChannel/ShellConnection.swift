import CShell
import Glibc

/// One end of a channel, for an event loop on one thread: watch `fd` for input, and for output while
/// `isWaitingToWrite`. Closed with its last reference.
public final class ShellConnection {
  /// Non-blocking; owned by this object.
  public let fd: Int32
  /// The process at the other end when it connected (SO_PEERCRED, unix(7)).
  public let peerPID: Int32
  public let peerUID: UInt32
  private var outbox: [ShellMessage] = []

  /// More messages wait only if the peer has stopped reading.
  private static let maximumWaiting = 4096

  /// Takes ownership of a connected SOCK_SEQPACKET socket.
  /// - Throws: `.system`; the socket is closed then.
  public init(fd: Int32) throws(ShellChannelError) {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    let failed = cshell_peer(fd, &pid, &uid)
    guard failed >= 0 else {
      close(fd)
      throw .system(call: "getsockopt", errno: -failed)
    }
    self.fd = fd
    peerPID = pid
    peerUID = uid
  }

  deinit { close(fd) }

  /// Connects to a daemon's socket.
  /// - Throws: `.system`, with ENOENT or ECONNREFUSED if no daemon listens.
  public static func connect(path: String) throws(ShellChannelError) -> ShellConnection {
    let fd = cshell_connect_unix(path)
    guard fd >= 0 else { throw .system(call: "connect", errno: -fd) }
    return try ShellConnection(fd: fd)
  }

  // MARK: Receiving

  /// Returns the next message, or nil if none has arrived yet.
  /// - Throws: `.closed` at the end; `.malformed`, after which the connection should be dropped. Descriptors that came
  ///   with the message are closed.
  public func receive() throws(ShellChannelError) -> ShellMessage? {
    var buffer = [UInt8](repeating: 0, count: ShellMessage.maximumLength)
    var fds = [Int32](repeating: -1, count: ShellMessage.maximumDescriptors)
    var fdCount = 0
    var truncated: Int32 = 0
    let count = cshell_receive_message(fd, &buffer, buffer.count, &fds, fds.count, &fdCount, &truncated)
    let descriptors = fds.prefix(fdCount).map(PassedDescriptor.init)
    if count == -Int(EAGAIN) { return nil }
    if count == -Int(ECONNRESET) || count == 0 { throw .closed }
    guard count > 0 else { throw .system(call: "recvmsg", errno: Int32(-count)) }
    guard truncated == 0 else { throw .malformed("a message that is too big") }
    return try ShellMessage(bytes: Array(buffer.prefix(count)), descriptors: descriptors)
  }

  // MARK: Sending

  /// True if messages wait until `fd` is writable: call `flush()` then.
  public var isWaitingToWrite: Bool { !outbox.isEmpty }

  /// Sends a message, or keeps it for `flush()`. Its descriptors stay the sender's: sending duplicates them.
  /// - Throws: `.closed`, `.stalled`, `.system`.
  public func send(_ message: ShellMessage) throws(ShellChannelError) {
    guard outbox.count < Self.maximumWaiting else { throw .stalled(waiting: outbox.count) }
    outbox.append(message)
    if outbox.count == 1 { try flush() }
  }

  /// Replaces the message whose sending has failed.
  public func replaceFirstWaiting(with message: ShellMessage) {
    if !outbox.isEmpty { outbox[0] = message }
  }

  /// Sends waiting messages.
  /// - Throws: as `send`.
  public func flush() throws(ShellChannelError) {
    var sent = 0
    defer { outbox.removeFirst(sent) }
    while sent < outbox.count {
      let bytes = outbox[sent].bytes
      let fds = outbox[sent].descriptors.map(\.fd)
      let count = cshell_send_message(fd, bytes, bytes.count, fds, fds.count)
      if count == -Int(EAGAIN) { return }
      if count == -Int(EPIPE) || count == -Int(ECONNRESET) { throw .closed }
      guard count >= 0 else { throw .system(call: "sendmsg", errno: Int32(-count)) }
      sent += 1
    }
  }
}
