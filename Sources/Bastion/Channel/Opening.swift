import CSSH2

/// The fate of a channel, reported on the bastion's thread.
public enum ChannelEvent: Sendable, Hashable {
  case opened
  /// It never opened; the socket is closed right after.
  case refused(BastionError)
  /// It was open, and the SSH connection is gone; the socket is closed right after.
  case lost(BastionError)
}

/// A requested channel (RFC 4254, section 7.2, "direct-tcpip").
final class Opening: Sendable {
  let host: String
  let port: UInt16
  /// The bastion's end of the pair.
  let socket: Int32
  /// True if the user's end, once it sends no more, reads no more either.
  let endsAtOnce: Bool
  let report: @Sendable (ChannelEvent) -> Void

  /// The bytes in flight to us: enough for 1 Gbit/s at a round trip of 60 ms.
  static let window: UInt32 = 8 << 20
  static let packet: UInt32 = 32 << 10

  init(
    host: String, port: UInt16, socket: Int32, endsAtOnce: Bool = false,
    report: @escaping @Sendable (ChannelEvent) -> Void
  ) {
    self.host = host
    self.port = port
    self.socket = socket
    self.endsAtOnce = endsAtOnce
    self.report = report
  }

  var target: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

  enum Progress {
    case pending
    case opened(OpaquePointer)
    /// Only this channel.
    case refused(String)
    /// The session is unusable.
    case failed(String)
  }

  /// Continues the open. libssh2 keeps its state in the session: repeat with the same opening until it is not pending.
  func advance(_ session: SSHSession) -> Progress {
    // Destination and originator; the originator means nothing here.
    let message = Self.string(host) + Self.number(UInt32(port)) + Self.string("127.0.0.1") + Self.number(0)
    let type = "direct-tcpip"
    let channel = message.withUnsafeBytes {
      libssh2_channel_open_ex(
        session.pointer, type, UInt32(type.utf8.count), Self.window, Self.packet,
        $0.bindMemory(to: CChar.self).baseAddress, UInt32($0.count))
    }
    if let channel { return .opened(channel) }
    switch libssh2_session_last_errno(session.pointer) {
    case LIBSSH2_ERROR_EAGAIN: return .pending
    case LIBSSH2_ERROR_CHANNEL_FAILURE:
      // "Channel open failure (connect failed)"
      let text = session.lastError
      return .refused(text.split(separator: "(").last.map { $0.filter { $0 != ")" } } ?? text)
    case LIBSSH2_ERROR_TIMEOUT: return .refused("no answer within a minute")
    default: return .failed(session.transport.end ?? session.lastError)
    }
  }

  private static func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
  private static func string(_ text: String) -> [UInt8] { number(UInt32(text.utf8.count)) + Array(text.utf8) }
}
