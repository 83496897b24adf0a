import CCurl
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One dial, on a thread of its own: connect, send the upgrade, read the answer.
///
/// A plain `curl_easy_perform`: a CONNECT_ONLY handle that went through a multi loses its connection on leaving it.
final class Dial: Sendable {
  private let handle: CurlHandle
  private let upgrade: UpgradeRequest
  private let server: ServerURL
  private let answerTimeout: Duration
  private let isCancelled = Atomic(false)

  init(_ handle: CurlHandle, _ upgrade: UpgradeRequest, server: ServerURL, answerTimeout: Duration) {
    self.handle = handle
    self.upgrade = upgrade
    self.server = server
    self.answerTimeout = answerTimeout
  }

  /// Cancels the dial; from any thread.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func run() throws(KubeError) -> UpgradedConnection {
    try connect()
    var socket = curl_socket_t(-1)
    guard ccurl_getinfo_socket(handle.pointer, &socket) == CURLE_OK, socket >= 0 else {
      throw .connectionLost(server: server.description, cause: "the server closed the connection at once")
    }
    let deadline = ContinuousClock.now + answerTimeout
    try send(upgrade.bytes, socket, deadline)
    let reader = try answer(socket, deadline)
    guard let head = reader.head else {
      throw .connectionLost(server: server.description, cause: "the server closed the connection without an answer")
    }
    guard head.status == 101 else { throw refusal(head, reader.body) }
    let subprotocol = try upgrade.verify(head, server: server.description)
    return UpgradedConnection(
      handle, socket: socket, subprotocol: subprotocol, leftover: reader.rest, server: server.description)
  }

  private func connect() throws(KubeError) {
    try handle.set(CURLOPT_CONNECT_ONLY, 1)
    // An upgrade exists in HTTP/1.1 only: TLS must not agree on another protocol.
    try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    // Port-forwards receive bytes in bulk.
    ccurl_set_read_ahead(handle.pointer, 128 << 10)
    // A proxy must pass the bytes on, even to a plain http server.
    try handle.set(CURLOPT_HTTPPROXYTUNNEL, 1)
    ccurl_setopt_progress(
      handle.pointer,
      { context, _, _, _, _ in
        Unmanaged<Dial>.fromOpaque(context!).takeUnretainedValue().isCancelled.load(ordering: .relaxed) ? 1 : 0
      },
      Unmanaged.passUnretained(self).toOpaque())
    let code = curl_easy_perform(handle.pointer)
    // The connection outlives the dial.
    try handle.set(CURLOPT_NOPROGRESS, 1)
    guard code == CURLE_OK else { throw KubeError(code, handle, server: server.description) }
  }

  private func send(_ bytes: [UInt8], _ socket: Int32, _ deadline: ContinuousClock.Instant) throws(KubeError) {
    // Keep one buffer: after CURLE_AGAIN the same pointer must come again.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    var offset = 0
    while offset < buffer.count {
      var count = 0
      let code = curl_easy_send(handle.pointer, buffer.baseAddress! + offset, buffer.count - offset, &count)
      switch code {
      case CURLE_OK: offset += count
      case CURLE_AGAIN: try wait(for: POLLOUT, socket, deadline)
      default: throw KubeError(code, handle, server: server.description)
      }
    }
  }

  private func answer(_ socket: Int32, _ deadline: ContinuousClock.Instant) throws(KubeError) -> ResponseReader {
    var reader = ResponseReader()
    var deadline = deadline
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      var count = 0
      let code = curl_easy_recv(handle.pointer, chunk.baseAddress, chunk.count, &count)
      switch code {
      case CURLE_OK where count == 0: return reader
      case CURLE_OK:
        switch reader.read(chunk[..<count]) {
        case .complete: return reader
        case .malformed(let problem): throw .badResponse(server: server.description, problem: problem)
        // The status is known; wait no longer for a missing body.
        case .needsMore: if reader.head != nil { deadline = min(deadline, .now + .seconds(2)) }
        }
      case CURLE_AGAIN:
        do { try wait(for: POLLIN, socket, deadline) } catch {
          if case .timedOut = error, reader.head != nil { return reader }
          throw error
        }
      default: throw KubeError(code, handle, server: server.description)
      }
    }
  }

  /// Waits in short steps, so that a cancelled dial ends.
  private func wait(for event: CInt, _ socket: Int32, _ deadline: ContinuousClock.Instant) throws(KubeError) {
    while true {
      guard !isCancelled.load(ordering: .relaxed) else { throw .cancelled }
      let left = (deadline - .now).milliseconds
      guard left > 0 else {
        throw .timedOut(server: server.description, what: "no answer to the upgrade within \(answerTimeout)")
      }
      var entry = pollfd(fd: socket, events: Int16(event), revents: 0)
      if poll(&entry, 1, CInt(min(left, 200))) > 0 { return }
    }
  }

  private func refusal(_ head: HTTPResponseHead, _ body: [UInt8]) -> KubeError {
    let error = KubeError(head, body, server: server)
    guard case .status(403, let reason, let message, let details) = error else { return error }
    let hint = "a port-forward over WebSocket needs both the verbs 'get' and 'create' on pods/portforward"
    // A subprotocol that the server lacks is refused with an empty body, as a missing verb may be.
    let offered = upgrade.subprotocols.joined(separator: ", ")
    return .status(
      code: 403, reason: reason,
      message: body.isEmpty
        ? "\(hint), or the server knows none of the subprotocols \(offered)" : "\(message) (\(hint))",
      details: details)
  }
}
