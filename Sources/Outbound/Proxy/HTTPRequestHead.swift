import TunnelProtocol

/// The HTTP/1.1 proxy's side of one connection, up to the end of the request's head: CONNECT (RFC 9110 section 9.3.6),
/// and the absolute form of a target (RFC 9112 section 3.2.2) for one request of each connection.
struct HTTPRequestHead {
  private let credentials: ProxyCredentials?
  /// Bytes that were looked at and are not the head's end: a client may send it byte by byte.
  private var looked = 0

  /// - Parameter credentials: required of clients (RFC 9110 section 11.7); nil: no authentication.
  init(credentials: ProxyCredentials? = nil) { self.credentials = credentials }

  /// - Parameter bytes: all that came; each time those of before, and more.
  mutating func step(_ bytes: [UInt8]) -> ProxyStep {
    guard let end = endOfHead(bytes) else { return .more }
    return Self.request(bytes, end: end, credentials)
  }

  private static func request(_ bytes: [UInt8], end: Int, _ credentials: ProxyCredentials?) -> ProxyStep {
    let lines = split(bytes[..<end])
    let words = lines[0].split(separator: 0x20, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", isToken(words[0]),
      words[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else {
      return .reject(response(400, "This port speaks SOCKS5, SOCKS4a and HTTP/1.1; the request is none of these."))
    }
    guard lines.dropFirst().allSatisfy({ !$0.contains { $0 == 0x0d || $0 == 0x0a || $0 == 0 } }) else {
      return .reject(response(400, "The request's head has an invalid line."))
    }
    if let credentials, !lines.dropFirst().contains(where: { authorization($0).map(credentials.allows) == true }) {
      return .reject(
        response(
          407, "This port needs a name and a password, which devtunnel connect printed.",
          ["Proxy-Authenticate: Basic realm=\"devtunnel\""]))
    }
    let rest = Array(bytes[end...])
    if words[0] == "CONNECT" {
      guard let (host, port) = authority(words[1], defaultPort: nil) else {
        return .reject(response(400, "CONNECT needs HOST:PORT, and '\(words[1])' is not that."))
      }
      return .request(
        ProxyRequest(host: host, port: port, backlog: rest, reply: { connectReply($0, words[1]) }, isHTTP: true))
    }
    guard words[1].lowercased().hasPrefix("http://") else {
      return .reject(
        response(
          400,
          "This is a proxy: it takes CONNECT, or a whole URL like http://user.shop:8080/. '\(words[1])' is neither."))
    }
    let target = words[1].dropFirst(7)
    let hostEnd = target.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? target.endIndex
    let name = String(target[..<hostEnd].split(separator: "@").last ?? "")
    guard let (host, port) = authority(name, defaultPort: 80) else {
      return .reject(response(400, "'\(words[1])' names no host."))
    }
    let path = target[hostEnd...].prefix { $0 != "#" }
    let first = "\(words[0]) \(path.hasPrefix("/") ? "" : "/")\(path) \(words[2])"
    let head = forwarded(first, host: name, lines.dropFirst(), mayUpgrade: words[2] == "HTTP/1.1")
    return .request(
      ProxyRequest(
        host: host, port: port, backlog: head + rest, reply: { $0 == .connected ? [] : failure($0, name) }, isHTTP: true
      ))
  }

  /// Returns the line's value if it is Proxy-Authorization.
  private static func authorization(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let colon = line.firstIndex(of: 0x3a),
      String(decoding: line[..<colon], as: UTF8.self).lowercased() == "proxy-authorization"
    else { return nil }
    return line[(colon + 1)...]
  }

  /// Returns the position behind the empty line; nil until that has come.
  private mutating func endOfHead(_ bytes: [UInt8]) -> Int? {
    for index in max(looked, 3)..<max(bytes.count, looked, 3)
    where bytes[index] == 0x0a && bytes[index - 1] == 0x0d && bytes[index - 2] == 0x0a && bytes[index - 3] == 0x0d {
      return index + 1
    }
    looked = bytes.count
    return nil
  }

  private static func split(_ head: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = head.startIndex
    for index in head.indices where head[index] == 0x0a && index > start && head[index - 1] == 0x0d {
      if index - 1 > start || lines.isEmpty { lines.append(head[start..<(index - 1)]) }
      start = index + 1
    }
    return lines
  }

  /// Parses `host:port` or `[::1]:port`.
  private static func authority(_ text: String, defaultPort: UInt16?) -> (String, UInt16)? {
    var host = text[...]
    var port: Substring?
    if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
      host = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
      if !rest.isEmpty { port = rest.dropFirst() }
    } else if let colon = text.lastIndex(of: ":") {
      host = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    guard !host.isEmpty, host.utf8.count <= 255 else { return nil }
    guard let port, !port.isEmpty else { return defaultPort.map { (String(host), $0) } }
    guard let number = UInt16(port), number > 0 else { return nil }
    return (String(host), number)
  }

  /// Returns the head for the destination: without the fields between client and proxy (RFC 9110 section
  /// 7.6.1), with the URL's Host. The request is the connection's only one, unless it becomes another protocol.
  /// - Parameter mayUpgrade: true if the client may ask for another protocol (RFC 9110 section 7.8): not in HTTP/1.0.
  private static func forwarded(
    _ first: String, host: String, _ lines: ArraySlice<ArraySlice<UInt8>>, mayUpgrade: Bool
  ) -> [UInt8] {
    var dropped: Set<String> = [
      "connection", "proxy-connection", "proxy-authorization", "proxy-authenticate", "keep-alive", "host",
    ]
    let fields = lines.compactMap { line -> (name: String, line: ArraySlice<UInt8>)? in
      guard let colon = line.firstIndex(of: 0x3a) else { return nil }
      return (String(decoding: line[..<colon], as: UTF8.self).lowercased(), line)
    }
    func members(_ line: ArraySlice<UInt8>) -> [String] {
      let value = String(decoding: line.drop { $0 != 0x3a }.dropFirst(), as: UTF8.self)
      return value.lowercased().split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).map(String.init)
    }
    for field in fields where field.name == "connection" { dropped.formUnion(members(field.line)) }
    // A client that asks for h2c (curl does) goes on in HTTP/1.1, as it would without a proxy that knows h2c.
    let protocols = fields.filter { $0.name == "upgrade" }.flatMap { members($0.line) }
    let isUpgrade = mayUpgrade && dropped.contains("upgrade") && !protocols.isEmpty && !protocols.contains("h2c")
    if isUpgrade { dropped.remove("upgrade") } else { dropped.insert("upgrade") }
    // Fields that frame the body are the message's own, whatever Connection lists.
    dropped.subtract(["content-length", "transfer-encoding"])
    var head = Array("\(first)\r\nHost: \(host)\r\n".utf8)
    for field in fields where !dropped.contains(field.name) { head += field.line + [0x0d, 0x0a] }
    // A server that goes on in HTTP ends the connection: the client's next request may be for another server.
    return head + Array("Connection: \(isUpgrade ? "Upgrade, close" : "close")\r\n\r\n".utf8)
  }

  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5a || $0 == 0x2d || $0 == 0x5f }
  }

  private static func connectReply(_ status: StreamStatus, _ target: String) -> [UInt8] {
    status == .connected ? Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8) : failure(status, target)
  }

  private static func failure(_ status: StreamStatus, _ target: String) -> [UInt8] {
    switch status {
    case .timedOut: response(504, "\(target) did not answer in time.")
    case .refused: response(502, "\(target) refused the connection.")
    case .unreachable: response(502, "\(target) cannot be reached: no route to it, or no tunnel.")
    case .nameNotFound: response(502, "\(target): the cluster's DNS knows no such name.")
    case .exhausted: response(502, "\(target): no more connections can be opened now.")
    case .notServed:
      response(
        403,
        "\(target) is this machine's own, or not served; a proxy that other machines reach does not connect to it.")
    case .connected, .failed: response(502, "The connection to \(target) failed.")
    }
  }

  static func response(_ status: Int, _ text: String, _ fields: [String] = []) -> [UInt8] {
    let reason =
      [
        400: "Bad Request", 403: "Forbidden", 407: "Proxy Authentication Required",
        431: "Request Header Fields Too Large", 502: "Bad Gateway", 504: "Gateway Timeout",
      ][status] ?? "Error"
    let body = "devtunnel: \(text)\n"
    let more = fields.map { $0 + "\r\n" }.joined()
    return Array(
      ("HTTP/1.1 \(status) \(reason)\r\n\(more)Content-Type: text/plain; charset=utf-8\r\n"
        + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)").utf8)
  }
}
