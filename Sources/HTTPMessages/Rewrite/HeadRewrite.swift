/// The changes to requests that come by another name than the server's, and to their answers: the server sees its own
/// name, and the client stays at the one that it has used.
public struct HeadRewrite: Sendable {
  public struct Field: Sendable {
    public var name: [UInt8]
    public var value: [UInt8]

    public init(name: [UInt8], value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  /// The server's name, with the port unless that is 80.
  public var host: [UInt8]
  /// True if requests may come by the server's own name.
  public var allowsHost = false
  /// The server's other names, in the same form: URLs of these lead to the client's, too.
  public var aliases: [[UInt8]] = []
  /// Set on each request, in place of fields with the same names.
  public var fields: [Field]
  /// Members that are added to the W3C header `baggage`, such as `devtunnel=alice`.
  public var baggage: [[UInt8]]

  public init(host: [UInt8], fields: [Field] = [], baggage: [[UInt8]] = []) {
    self.host = host
    self.fields = fields
    self.baggage = baggage
  }
}

/// A field of a head at work.
struct HeadField {
  var name: [UInt8]
  var value: [UInt8] {
    didSet { isWhole = false }
  }
  /// HPACK's: the name's index in the static table, the value's being there, and the ban on keeping it.
  var index: UInt8 = 0
  var isWhole = false
  var isSecret = false

  init(_ name: [UInt8], _ value: [UInt8]) {
    self.name = name
    self.value = value
  }

  /// Compares the name with one in small letters.
  func isNamed(_ text: StaticString) -> Bool { name.equals(text) }
}

extension HeadRewrite {
  /// Checks the name by which a request came: one that a foreign page could have led here (DNS rebinding) is refused.
  /// Names of this machine and addresses are safe. The server's own may be one that anyone can register, such as
  /// `web.shop`: it counts if the user has given it.
  func allows(_ client: [UInt8]) -> Bool {
    let name = Self.withoutPort(client)
    if name.isEmpty || name[0] == 0x5b || name.equals("localhost") || name.endsLike(".localhost") { return true }
    if allowsHost, name.equals(Self.withoutPort(host)) { return true }
    for byte in name where byte != 0x2e && !(48...57).contains(byte) { return false }
    return true
  }

  /// Checks that no foreign page sends the request: it would have the mark and the fields that are set here. Browsers
  /// say so (Fetch, sections 3.1 and Fetch Metadata); a page that only links here is none.
  func allows(_ head: [HeadField]) -> Bool {
    var isForeign = false
    var isLink = false
    for field in head {
      if field.isNamed("origin") {
        for scheme: StaticString in ["http://", "https://"] where field.value.startsLike(Array(bytes: scheme)) {
          return allows(Array(field.value[scheme.utf8CodeUnitCount...]))
        }
        return false
      }
      if field.isNamed("sec-fetch-site") { isForeign = field.value.equals("cross-site") }
      if field.isNamed("sec-fetch-mode") { isLink = field.value.equals("navigate") }
    }
    return !isForeign || isLink
  }

  static func withoutPort(_ host: [UInt8]) -> [UInt8] {
    var end = host.count
    while end > 0, (48...57).contains(host[end - 1]) { end -= 1 }
    guard end > 0, host[end - 1] == 0x3a else { return host }
    return Array(host[..<(end - 1)])
  }

  // MARK: Requests

  /// Changes the fields of a request but for its host.
  /// - Parameter client: the name by which the request came.
  func request(_ head: inout [HeadField], client: [UInt8]) {
    let (here, there) = (Self.origin(client), Self.origin(host))
    for index in head.indices {
      let field = head[index]
      if field.isNamed("origin") {
        if field.value.equals(here) { head[index].value = there }
      } else if field.isNamed("referer"), let rest = field.value.behind(origin: here) {
        head[index].value = there + rest
      }
    }
    for field in fields {
      head.removeAll { $0.name.equals(field.name) }
      head.append(HeadField(field.name, field.value))
    }
    for member in baggage { add(member, &head) }
  }

  private func add(_ member: [UInt8], _ head: inout [HeadField]) {
    for index in head.indices where head[index].isNamed("baggage") {
      let value = head[index].value
      head[index].value = value.isEmpty ? member : value + [0x2c] + member
      return
    }
    head.append(HeadField(Array(bytes: "baggage"), member))
  }

  private static func origin(_ host: [UInt8]) -> [UInt8] { Array(bytes: "http://") + host }

  // MARK: Answers

  /// Changes the fields of an answer.
  /// - Parameter client: the name by which the request came.
  func answer(_ head: inout [HeadField], client: [UInt8]) {
    guard !client.isEmpty else { return }
    for index in head.indices {
      let field = head[index]
      if field.isNamed("location") || field.isNamed("content-location") {
        if let value = back(field.value[...], client) { head[index].value = value }
      } else if field.isNamed("refresh") {
        head[index].value = refresh(field.value, client)
      } else if field.isNamed("access-control-allow-origin") {
        for name in [host] + aliases where field.value.equals(Self.origin(name)) {
          head[index].value = Self.origin(client)
          break
        }
      } else if field.isNamed("set-cookie") {
        head[index].value = Self.cookie(field.value)
      }
    }
  }

  /// Returns a URL of the server as one of the client's; nil for any other.
  private func back(_ url: ArraySlice<UInt8>, _ client: [UInt8]) -> [UInt8]? {
    let url = Array(url)
    for scheme: StaticString in ["http://", "https://", "//"] where url.startsLike(Array(bytes: scheme)) {
      let rest = Array(url[scheme.utf8CodeUnitCount...])
      for name in [host] + aliases {
        for port: StaticString in ["", ":80", ":443"] {
          guard let path = rest.behind(origin: name + Array(bytes: port)) else { continue }
          return (scheme.utf8CodeUnitCount == 2 ? Array(bytes: "//") : Array(bytes: "http://")) + client + path
        }
      }
      return nil
    }
    return nil
  }

  /// `5; url=http://…`.
  private func refresh(_ value: [UInt8], _ client: [UInt8]) -> [UInt8] {
    guard value.count > 4, value.count <= 4096 else { return value }
    for start in 0..<value.count - 4 {
      guard Array(value[start...]).startsLike(Array(bytes: "url=")) else { continue }
      var first = start + 4
      if first < value.count, value[first] == 0x22 || value[first] == 0x27 { first += 1 }
      guard let url = back(value[first...], client) else { return value }
      return Array(value[..<first]) + url
    }
    return value
  }

  /// Makes a cookie one of this machine's, over plain HTTP: without `Domain` and `Secure`, and what needs the latter.
  /// Names that begin with `__Secure-` or `__Host-` must keep it; browsers allow it for localhost.
  private static func cookie(_ value: [UInt8]) -> [UInt8] {
    let keepsSecure = value.startsLike(Array(bytes: "__secure-")) || value.startsLike(Array(bytes: "__host-"))
    var result: [UInt8] = []
    var start = 0
    while start <= value.count {
      var end = start
      while end < value.count, value[end] != 0x3b { end += 1 }
      var name = start
      while name < end, value[name].isBlank { name += 1 }
      let part = Array(value[name..<end])
      let isDropped =
        start > 0
        && (part.startsLike(Array(bytes: "domain="))
          || !keepsSecure
            && (part.equals("secure") || part.equals("partitioned") || part.equals("samesite=none")))
      if !isDropped {
        if start > 0 { result.append(0x3b) }
        result.append(contentsOf: value[start..<end])
      }
      start = end + 1
    }
    return result
  }
}

extension [UInt8] {
  init(bytes text: StaticString) {
    self = Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Compares without regard to capitals; the text is in small letters.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in indices where self[index].lowercased != text.utf8Start[index] { return false }
    return true
  }

  func equals(_ other: [UInt8]) -> Bool { count == other.count && startsLike(other) }

  /// Checks for a beginning, without regard to capitals.
  func startsLike(_ other: [UInt8]) -> Bool {
    guard count >= other.count else { return false }
    for index in other.indices where self[index].lowercased != other[index].lowercased { return false }
    return true
  }

  func endsLike(_ text: StaticString) -> Bool {
    let size = text.utf8CodeUnitCount
    return count >= size && Array(self[(count - size)...]).equals(text)
  }

  /// Returns path, query and fragment of a URL that begins with an origin; nil if it has another one.
  func behind(origin: [UInt8]) -> [UInt8]? {
    guard startsLike(origin) else { return nil }
    guard count > origin.count else { return [] }
    let next = self[origin.count]
    return next == 0x2f || next == 0x3f || next == 0x23 ? Array(self[origin.count...]) : nil
  }
}
