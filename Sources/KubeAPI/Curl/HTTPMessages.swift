/// A request below a cluster's server URL.
public struct HTTPRequest: Sendable {
  public var method: String
  /// Absolute and percent-encoded, without the server URL's own path.
  public var path: String
  /// Unencoded names and values; encoded when sent.
  public var query: [(String, String)]
  public var headers: [(String, String)]
  public var body: [UInt8]?
  /// For the whole exchange, nil for no limit.
  public var timeout: Duration?

  public init(
    _ method: String, _ path: String, query: [(String, String)] = [], headers: [(String, String)] = [],
    body: [UInt8]? = nil,
    timeout: Duration? = .seconds(60)
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.timeout = timeout
  }

  /// Path and query, encoded.
  var target: String {
    guard !query.isEmpty else { return path }
    return path + "?" + query.map { percentEncoded($0) + "=" + percentEncoded($1) }.joined(separator: "&")
  }
}

/// Status and headers of an answer.
public struct HTTPResponseHead: Sendable {
  public var status: Int
  /// Names in lower case, in the server's order.
  public var headers: [(name: String, value: String)]

  /// Returns the first header of this name, which is in lower case.
  public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// Reads one line of a head, without its line break. A status line begins a new head (`100 Continue`
  /// comes before the real one).
  mutating func read(line: some StringProtocol) {
    if line.hasPrefix("HTTP/") {
      let words = line.split(separator: " ", maxSplits: 2)
      self = HTTPResponseHead(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, headers: [])
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers.append((line[..<colon].lowercased(), String(value)))
    }
  }
}

/// A whole answer.
public struct HTTPResponse: Sendable {
  public var head: HTTPResponseHead
  public var body: [UInt8]
  public var status: Int { head.status }
  public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
func percentEncoded(_ text: String) -> String {
  let hex = Array("0123456789ABCDEF".utf8)
  var result: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      result.append(byte)
    default: result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
    }
  }
  return String(decoding: result, as: UTF8.self)
}
