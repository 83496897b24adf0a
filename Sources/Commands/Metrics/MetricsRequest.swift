/// The decision about a request to the metrics' port: HTTP/1.1 (RFC 9112), one request a connection.
enum MetricsRequest: Sendable, Hashable {
  case metrics(withBody: Bool)
  case refused(status: String, text: String)

  /// - Parameters:
  ///   - head: the request's line and its fields, without line ends.
  ///   - isLocal: true for a port of loopback, where a page in a browser could ask by a name of its own that resolves
  ///     to this machine. False for a socket that only this user reaches.
  init(_ head: [String], isLocal: Bool) {
    let words = (head.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else {
      self = .refused(status: "400 Bad Request", text: "this is no request of HTTP/1.1")
      return
    }
    if isLocal, !Self.isThisMachine(Self.host(head)) {
      self = .refused(status: "403 Forbidden", text: "ask for localhost or 127.0.0.1: others may not read this")
      return
    }
    guard words[0] == "GET" || words[0] == "HEAD" else {
      self = .refused(status: "405 Method Not Allowed", text: "the method must be GET")
      return
    }
    let path = words[1].prefix { $0 != "?" }
    guard path == "/metrics" || path == "/" else {
      self = .refused(status: "404 Not Found", text: "the metrics are at /metrics")
      return
    }
    self = .metrics(withBody: words[0] == "GET")
  }

  /// Returns the value of the only `Host` field; nil without one, or with several.
  private static func host(_ head: [String]) -> String? {
    let values = head.dropFirst().compactMap { line -> String? in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].lowercased() == "host" else { return nil }
      return parts[1].drop { $0 == " " || $0 == "\t" }.lowercased()
    }
    return values.count == 1 ? values[0] : nil
  }

  private static func isThisMachine(_ host: String?) -> Bool {
    guard let host else { return false }
    let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
    return ["localhost", "127.0.0.1", "[::1]"].contains(name)
  }
}

/// An answer of the metrics' port.
enum MetricsAnswer {
  /// Returns the whole answer to a request.
  /// - Parameter metrics: the text, if the request gets it.
  static func text(_ request: MetricsRequest, metrics: String) -> String {
    switch request {
    case .metrics(let withBody):
      head("200 OK", OpenMetrics.contentType, metrics.utf8.count) + (withBody ? metrics : "")
    case .refused(let status, let text): head(status, "text/plain; charset=utf-8", text.utf8.count + 1) + text + "\n"
    }
  }

  private static func head(_ status: String, _ type: String, _ length: Int) -> String {
    """
    HTTP/1.1 \(status)\r
    Content-Type: \(type)\r
    Content-Length: \(length)\r
    X-Content-Type-Options: nosniff\r
    Connection: close\r
    \r

    """
  }
}
