import CCurl

/// A connection to the API server that has become a WebSocket: raw bytes in both directions; libcurl
/// handles TLS and proxy. Owns its handle.
///
/// Unchecked: after the dial it belongs to one thread, the one that polls `socket` and calls `send` and `receive`;
/// libcurl lets a handle change threads, but not serve two at once. `close()` too is for that thread; the last
/// reference may be dropped anywhere.
public final class UpgradedConnection: @unchecked Sendable {
  public enum SendResult: Equatable, Sendable {
    /// The bytes sent, which may be fewer than asked.
    case sent(Int)
    /// Nothing was sent. Wait for the socket, then send *the same pointer and length*: TLS has already encrypted them,
    /// and another buffer fails (error 55).
    case again
    case failed(KubeError)
  }

  public enum ReceiveResult: Equatable, Sendable {
    case received(Int)
    /// Everything is read. Only now does polling the socket report more: before, bytes may wait in TLS's buffers.
    case again
    /// The server ended the connection.
    case closed
    case failed(KubeError)
  }

  /// The subprotocol that the server chose.
  public let subprotocol: String?
  /// Bytes that came behind the head of the answer; they precede the bytes of `receive`.
  public let leftover: [UInt8]
  /// For poll and epoll only; non-blocking. Closed with the handle.
  public let socket: Int32
  private var handle: CurlHandle?
  private let server: String

  init(_ handle: CurlHandle, socket: Int32, subprotocol: String?, leftover: [UInt8], server: String) {
    self.handle = handle
    self.socket = socket
    self.subprotocol = subprotocol
    self.leftover = leftover
    self.server = server
  }

  /// Sends bytes without blocking.
  public func send(_ bytes: UnsafeRawPointer, _ count: Int) -> SendResult {
    guard let handle else { return .failed(closed) }
    var sent = 0
    let code = curl_easy_send(handle.pointer, bytes, count, &sent)
    return switch code {
    case CURLE_OK: .sent(sent)
    case CURLE_AGAIN: .again
    default: .failed(KubeError(code, handle, server: server))
    }
  }

  /// Reads at most `count` bytes without blocking.
  public func receive(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> ReceiveResult {
    guard let handle else { return .failed(closed) }
    var received = 0
    let code = curl_easy_recv(handle.pointer, bytes, count, &received)
    return switch code {
    case CURLE_OK: received == 0 ? .closed : .received(received)
    case CURLE_AGAIN: .again
    default: .failed(KubeError(code, handle, server: server))
    }
  }

  /// Closes the connection, with TLS's close_notify. Take the socket out of epoll before.
  public func close() { handle = nil }

  private var closed: KubeError { .connectionLost(server: server, cause: "it was closed here") }
}
