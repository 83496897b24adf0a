import KubeObjects
import Logging

/// A Kubernetes API server as one user. A value: copies share connections and credentials, and the
/// thread that serves them.
public struct KubeClient: Sendable {
  public let access: ClusterAccess
  public var retry: RetryPolicy
  /// Nothing is retried after it, and no request outlasts it.
  public var deadline: ContinuousClock.Instant?
  public var limits = ReadLimits()
  /// The time for the outcome of a change whose task is cancelled.
  var outcomeTime = Duration.seconds(5)
  /// The name in `managedFields` for this client's changes.
  public var fieldManager = "devtunnel"
  let transport: CurlMulti
  let log: Logger

  public init(
    _ access: ClusterAccess, transport: CurlMulti = CurlMulti(), retry: RetryPolicy = RetryPolicy(),
    log: Logger = Logger(label: "kube-api")
  ) {
    self.access = access
    self.transport = transport
    self.retry = retry
    self.log = log
  }

  /// Returns the same client for calls that must end by then.
  public func before(_ deadline: ContinuousClock.Instant) -> KubeClient {
    var client = self
    client.deadline = deadline
    return client
  }

  /// Returns the same client for calls that must end within this time, from now.
  public func within(_ duration: Duration) -> KubeClient { before(.now + duration) }

  /// Sends a request, again if that makes sense, and reads the whole answer.
  /// - Parameter isIdempotent: whether the server may see it twice; nil: as for the method.
  /// - Throws: `KubeError`; also for an answer other than 2xx.
  public func send(_ request: HTTPRequest, isIdempotent: Bool? = nil) async throws(KubeError) -> HTTPResponse {
    let idempotent = isIdempotent ?? ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(request.method)
    return try await attempt(request, isIdempotent: idempotent) { request, credentials throws(KubeError) in
      let response = try await perform(request, credentials)
      return (response, response.head, response.body)
    }
  }

  /// Sends a request once. A change that is under way has some more seconds when the task is cancelled: its outcome is
  /// then known, and the server cannot make it later than the request that undoes it.
  private func perform(_ request: HTTPRequest, _ credentials: Credentials) async throws(KubeError) -> HTTPResponse {
    guard !["GET", "HEAD", "OPTIONS"].contains(request.method) else {
      return try await transport.perform(request, on: access, as: credentials, limit: limits.answer)
    }
    guard !Task.isCancelled else { throw .cancelled }
    let change = Task { [self] () async -> Result<HTTPResponse, KubeError> in
      do throws(KubeError) {
        return .success(try await transport.perform(request, on: access, as: credentials, limit: limits.answer))
      } catch {
        return .failure(error)
      }
    }
    return try await withTaskCancellationHandler {
      await change.value
    } onCancel: { [outcomeTime] in
      Task {
        try? await Task.sleep(for: outcomeTime)
        change.cancel()
      }
    }.get()
  }

  /// Sends a GET and returns the body as it arrives, for logs and watches.
  public func open(_ request: HTTPRequest) async throws(KubeError) -> HTTPResponseStream {
    try await attempt(request, isIdempotent: true) { request, credentials throws(KubeError) in
      let stream = try await transport.stream(request, on: access, as: credentials)
      let refused = (200..<300).contains(stream.head.status) ? [] : try await stream.body.collect(limit: 1 << 20)
      return (stream, stream.head, refused)
    }
  }

  private func attempt<Answer>(
    _ request: HTTPRequest, isIdempotent: Bool,
    _ exchange: (HTTPRequest, Credentials) async throws(KubeError) -> (Answer, HTTPResponseHead, [UInt8])
  ) async throws(KubeError) -> Answer {
    var failures = 0
    var hasRenewed = false
    while true {
      var retryAfter: Duration?
      let failure: KubeError
      do throws(KubeError) {
        let credentials = try await access.credentials.current()
        let (answer, head, body) = try await exchange(try limited(request), credentials)
        if (200..<300).contains(head.status) { return answer }
        if head.status == 401, !hasRenewed, await access.credentials.invalidate(credentials) {
          hasRenewed = true
          continue
        }
        retryAfter = RetryPolicy.retryAfter(head.header("retry-after"))
        failure = KubeError(head, body, server: access.server)
      } catch {
        failure = error
      }
      if let retryAfter, retryAfter > retry.maximumRetryAfter {
        throw failure.adding("it accepts no request for \(retryAfter.components.seconds) s")
      }
      failures += 1
      guard failures < retry.attempts,
        RetryPolicy.mayRetry(failure, isIdempotent: isIdempotent, serverAsks: retryAfter != nil)
      else { throw failure }
      let pause = max(retryAfter ?? .zero, retry.delay(afterFailures: failures))
      if let deadline, ContinuousClock.now + pause >= deadline { throw failure }
      log.debug(
        "request is sent again", metadata: ["path": "\(request.path)", "error": "\(failure)", "pause": "\(pause)"])
      do { try await Task.sleep(for: pause) } catch { throw .cancelled }
    }
  }

  /// Returns the request with no more time than the deadline leaves.
  private func limited(_ request: HTTPRequest) throws(KubeError) -> HTTPRequest {
    guard let deadline else { return request }
    let left = deadline - .now
    guard left > .zero else { throw .timedOut(server: access.server.description, what: "the deadline has passed") }
    var request = request
    request.timeout = min(request.timeout ?? left, left)
    return request
  }
}

extension KubeError {
  /// Reads an answer that is not 2xx: a `Status` object (Kubernetes API, `Status`), or a proxy's text in its place.
  init(_ head: HTTPResponseHead, _ body: [UInt8], server: ServerURL) {
    let status = (try? JSONValue(parsing: body)).flatMap { $0.kind == "Status" ? APIStatus($0) : nil } ?? APIStatus([:])
    let text = String(decoding: body.prefix(512), as: UTF8.self).trimmed
    let message = status.message ?? (text.isEmpty ? "no explanation" : text)
    self =
      head.status == 401
      ? .unauthorized(server: server.description, message: message)
      : .status(code: head.status, reason: status.reason, message: message, details: status.details)
  }
}
