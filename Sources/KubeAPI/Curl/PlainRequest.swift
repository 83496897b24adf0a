import CCurl

/// A request to any address by plain HTTP, sent as it is: nothing is added, followed, unpacked or tried again.
public struct PlainRequest: Sendable {
  public var method: String
  /// Path and query, or `*`.
  public var target: String
  /// The address to connect to.
  public var host: String
  public var port: UInt16
  /// The host that the request names; empty for that of the address.
  public var authority = ""
  public var headers: [(name: String, value: String)] = []
  public var body: [UInt8]?
  /// True for HTTP/2 without TLS, false for HTTP/1.1.
  public var isHTTP2 = false
  public var timeout: Duration = .seconds(60)
  /// Longer bodies are an error, bytes.
  public var limit = 64 << 20

  public init(_ method: String, _ target: String, host: String, port: UInt16) {
    self.method = method
    self.target = target
    self.host = host
    self.port = port
  }
}

/// An answer to a plain request.
public struct PlainAnswer: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var trailers: [(name: String, value: String)]
  public var body: [UInt8]
}

extension CurlMulti {
  /// Sends a request by plain HTTP, and waits for its whole answer.
  public func send(_ request: PlainRequest) async throws(KubeError) -> PlainAnswer {
    guard let loop else { throw .transport(problem: "it could not be started") }
    guard !Task.isCancelled else { throw .cancelled }
    let handle = try CurlHandle()
    let place = "\(ServerURL.bracketed(request.host)):\(request.port)"
    try handle.set(CURLOPT_URL, "http://\(place)/")
    try handle.set(CURLOPT_REQUEST_TARGET, request.target)
    try handle.set(CURLOPT_PROTOCOLS_STR, "http")
    // The environment's proxies are for other places.
    try handle.set(CURLOPT_PROXY, "")
    try handle.set(
      CURLOPT_HTTP_VERSION,
      Int(request.isHTTP2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1))
    // libcurl 7.88 takes a connection of HTTP/2 again that a server has ended, and fails.
    if request.isHTTP2 { try handle.set(CURLOPT_FORBID_REUSE, 1) }
    try handle.set(CURLOPT_TIMEOUT_MS, max(1, request.timeout.milliseconds))
    let names = Set(request.headers.map { $0.name.lowercased() })
    // Methods that mean a body say its length, also of an empty one; others have none then.
    let body = request.body ?? []
    if !body.isEmpty && request.method != "HEAD" || ["POST", "PUT", "PATCH"].contains(request.method) {
      try handle.set(body: body)
    }
    if request.method == "HEAD" { try handle.set(CURLOPT_NOBODY, 1) }
    try handle.set(CURLOPT_CUSTOMREQUEST, request.method)
    var lines = try request.headers.map(Self.line)
    if !request.authority.isEmpty { lines.append(try Self.line(("Host", request.authority))) }
    for name in ["Accept", "Content-Type", "Expect", "User-Agent"] where !names.contains(name.lowercased()) {
      lines.append("\(name):")
    }
    try handle.set(CURLOPT_HTTPHEADER, list: lines)
    let transfer = Transfer(handle, server: place)
    try transfer.attach()
    let answer = ResponseBody(transfer, self, loop)
    loop.post(.start(transfer))
    let head = try await answer.cancellable { () async throws(KubeError) in try await transfer.head() }
    let bytes = try await answer.collect(limit: request.limit)
    return PlainAnswer(status: head.status, headers: head.headers, trailers: transfer.trailers, body: bytes)
  }

  /// libcurl takes `NAME;` for a header without a value, and `NAME:` for none.
  private static func line(_ header: (name: String, value: String)) throws(KubeError) -> String {
    let line = header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)"
    guard !line.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
      throw .transport(problem: "the header \(header.name) holds a line break")
    }
    return line
  }
}
