import CCurl
import Synchronization

/// One active request: the multi's thread fills it, one task reads it.
///
/// The buffer is bounded: if the reader is slow, libcurl pauses the transfer, and the server's TCP or
/// HTTP/2 window closes.
final class Transfer: Sendable {
  /// Bytes that may wait for the reader before the transfer pauses.
  static let bufferLimit = 1 << 20

  private struct State {
    var head = HTTPResponseHead(status: 0, headers: [])
    var headIsComplete = false
    /// Fields that came behind the body.
    var trailers = HTTPResponseHead(status: 0, headers: [])
    var buffer: [UInt8] = []
    var isPaused = false
    var outcome: Result<Void, KubeError>?
    var waiter: CheckedContinuation<Void, Never>?

    /// Returns the waiter, to be resumed after the lock is released.
    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }
  }

  let handle: CurlHandle
  let server: String
  private let state = Mutex(State())

  init(_ handle: CurlHandle, server: String) {
    self.handle = handle
    self.server = server
  }

  // MARK: The multi's thread

  /// Points the handle's callbacks here. The transfer must outlive its time in the multi.
  func attach() throws(KubeError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_setopt_pointer(handle.pointer, CURLOPT_HEADERDATA, context)
    ccurl_setopt_pointer(handle.pointer, CURLOPT_WRITEDATA, context)
    ccurl_setopt_private(handle.pointer, context)
    ccurl_setopt_write(handle.pointer, CURLOPT_HEADERFUNCTION) { data, size, count, context in
      Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue().received(
        header: UnsafeRawBufferPointer(start: data, count: size * count))
      return size * count
    }
    ccurl_setopt_write(handle.pointer, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      let taken = Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue().received(
        body: UnsafeRawBufferPointer(start: data, count: size * count))
      return taken ? size * count : Int(CURL_WRITEFUNC_PAUSE)
    }
  }

  private func received(header bytes: UnsafeRawBufferPointer) {
    var line = String(decoding: bytes, as: UTF8.self)[...]
    while line.last?.isNewline == true { line.removeLast() }
    state.withLock { state in
      if line.isEmpty {
        state.headIsComplete = state.head.status >= 200
        return state.headIsComplete ? state.takeWaiter() : nil
      }
      if state.headIsComplete { state.trailers.read(line: line) } else { state.head.read(line: line) }
      return nil
    }?.resume()
  }

  /// - Returns: false to pause; libcurl then offers the same bytes again.
  private func received(body bytes: UnsafeRawBufferPointer) -> Bool {
    let (taken, waiter) = state.withLock { state in
      guard state.buffer.isEmpty || state.buffer.count + bytes.count <= Self.bufferLimit else {
        state.isPaused = true
        return (false, nil as CheckedContinuation<Void, Never>?)
      }
      state.buffer += bytes
      return (true, state.takeWaiter())
    }
    waiter?.resume()
    return taken
  }

  func finished(_ code: CURLcode) {
    finish(code == CURLE_OK ? .success(()) : .failure(KubeError(code, handle, server: server)))
  }

  /// Ends the transfer; the first outcome counts. From any thread.
  func finish(_ outcome: Result<Void, KubeError>) {
    state.withLock { state in
      if state.outcome == nil { state.outcome = outcome }
      return state.takeWaiter()
    }?.resume()
  }

  // MARK: The reader

  private enum Read {
    case wait
    case head(HTTPResponseHead)
    case bytes([UInt8], resume: Bool)
    case end
    case failure(KubeError)
  }

  /// The trailers, once the body has ended.
  var trailers: [(name: String, value: String)] { state.withLock { $0.trailers.headers } }

  /// Waits for status and headers.
  func head() async throws(KubeError) -> HTTPResponseHead {
    while true {
      let read: Read = state.withLock { state in
        if state.headIsComplete { return .head(state.head) }
        return switch state.outcome {
        case nil: .wait
        case .failure(let error): .failure(error)
        case .success: .failure(.badResponse(server: server, problem: "the connection closed without an answer"))
        }
      }
      switch read {
      case .head(let head): return head
      case .failure(let error): throw error
      default: await wait { $0.headIsComplete }
      }
    }
  }

  /// Waits for the next bytes of the body and returns all that have arrived; nil at its end.
  /// - Parameter resume: called if the transfer had paused and may now continue.
  func next(resume: () -> Void) async throws(KubeError) -> [UInt8]? {
    while true {
      let read: Read = state.withLock { state in
        if !state.buffer.isEmpty {
          let bytes = state.buffer
          let wasPaused = state.isPaused
          state.buffer = []
          state.isPaused = false
          return .bytes(bytes, resume: wasPaused)
        }
        return switch state.outcome {
        case nil: .wait
        case .failure(let error): .failure(error)
        case .success: .end
        }
      }
      switch read {
      case .bytes(let bytes, let wasPaused):
        if wasPaused { resume() }
        return bytes
      case .failure(let error): throw error
      case .end: return nil
      default: await wait { !$0.buffer.isEmpty }
      }
    }
  }

  private func wait(until ready: @Sendable (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isReady = state.withLock { state in
        if state.outcome != nil || ready(state) { return true }
        state.waiter = continuation
        return false
      }
      if isReady { continuation.resume() }
    }
  }
}
