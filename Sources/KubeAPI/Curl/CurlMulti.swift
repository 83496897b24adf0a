import CCurl
import Threads

/// The thread that runs all requests: with a curl multi handle, shared connections, and HTTP/2 if the server offers it.
///
/// When the last reference goes, the thread ends and active requests are cancelled.
public final class CurlMulti: Sendable {
  let loop: MultiLoop?

  public init() {
    do {
      let loop = try MultiLoop()
      try startThread("kube-api") { loop.run() }
      self.loop = loop
    } catch {
      // Each request then reports it.
      loop = nil
    }
  }

  deinit { loop?.stop() }

  /// Sends a request and waits for its whole answer, whatever its status.
  /// - Parameter limit: bytes, unpacked; a longer body is an error.
  /// - Throws: `KubeError`; `.cancelled` when the task is cancelled, which ends the transfer.
  public func perform(
    _ request: HTTPRequest, on access: ClusterAccess, as credentials: Credentials, limit: Int = ReadLimits().answer
  ) async throws(KubeError) -> HTTPResponse {
    let stream = try await stream(request, on: access, as: credentials, compressed: true)
    return HTTPResponse(head: stream.head, body: try await stream.body.collect(limit: limit))
  }

  /// Sends a request and waits for the head of its answer; the body arrives as it is read.
  public func stream(
    _ request: HTTPRequest, on access: ClusterAccess, as credentials: Credentials
  ) async throws(KubeError) -> HTTPResponseStream {
    try await stream(request, on: access, as: credentials, compressed: false)
  }

  private func stream(
    _ request: HTTPRequest, on access: ClusterAccess, as credentials: Credentials, compressed: Bool
  ) async throws(KubeError) -> HTTPResponseStream {
    guard let loop else { throw .transport(problem: "it could not be started") }
    // The thread might have the answer before this task learns that it is cancelled.
    guard !Task.isCancelled else { throw .cancelled }
    let handle = try CurlHandle()
    try CurlConfiguration.apply(access, credentials, target: request.target, to: handle)
    // A connection known to carry many requests is shared. CURLOPT_PIPEWAIT, which also waits for a new one, must not
    // be set: a request that waits behind a watch over HTTP/1.1 is never sent, and has no timeout.
    try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    if compressed { try handle.set(CURLOPT_ACCEPT_ENCODING, "gzip") }
    if let timeout = request.timeout { try handle.set(CURLOPT_TIMEOUT_MS, max(1, timeout.milliseconds)) }
    if let body = request.body { try handle.set(body: body) }
    try handle.set(CURLOPT_CUSTOMREQUEST, request.method)
    let headers = CurlConfiguration.headers(access, credentials) + request.headers
    try handle.set(CURLOPT_HTTPHEADER, list: try headers.map(Self.line) + ["Expect:"])
    let transfer = Transfer(handle, server: access.server.description)
    try transfer.attach()
    let body = ResponseBody(transfer, self, loop)
    loop.post(.start(transfer))
    return HTTPResponseStream(
      head: try await body.cancellable { () async throws(KubeError) in try await transfer.head() }, body: body)
  }

  private static func line(_ header: (String, String)) throws(KubeError) -> String {
    let line = "\(header.0): \(header.1)"
    guard !line.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
      throw .transport(problem: "the header \(header.0) holds a line break")
    }
    return line
  }
}

/// An answer whose body is still arriving.
public struct HTTPResponseStream: Sendable {
  public let head: HTTPResponseHead
  public let body: ResponseBody
}

extension Duration {
  /// Milliseconds, rounded down and limited to `Int`.
  var milliseconds: Int {
    let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1000)
    if overflow { return components.seconds < 0 ? .min : .max }
    let (sum, overflows) = whole.addingReportingOverflow(components.attoseconds / 1_000_000_000_000_000)
    return overflows ? (whole < 0 ? .min : .max) : Int(sum)
  }
}
