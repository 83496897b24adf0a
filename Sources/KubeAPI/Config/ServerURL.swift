/// An API server's URL: the parts of a kubeconfig's `server`.
public struct ServerURL: Sendable, Hashable, CustomStringConvertible {
  public enum Scheme: String, Sendable { case http, https }

  public let scheme: Scheme
  /// A name or an address, an IPv6 address without brackets.
  public let host: String
  public let port: Int
  /// Without a slash at its end; empty for a server at the root.
  public let basePath: String

  /// Nil for a text that is not an http or https URL. Without a scheme it is http, as with kubectl.
  public init?(_ text: String) {
    var rest = text[...]
    if rest.hasPrefix("https://") {
      scheme = .https
      rest = rest.dropFirst(8)
    } else if rest.hasPrefix("http://") {
      scheme = .http
      rest = rest.dropFirst(7)
    } else if !rest.contains("://") {
      scheme = .http
    } else {
      return nil
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    var path = rest.dropFirst(authority.count).prefix { $0 != "?" && $0 != "#" }
    while path.last == "/" { path.removeLast() }
    basePath = String(path)
    let name: Substring
    let tail: Substring
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      name = authority[authority.index(after: authority.startIndex)..<end]
      tail = authority[authority.index(after: end)...]
    } else {
      name = authority.prefix { $0 != ":" }
      tail = authority.dropFirst(name.count)
    }
    guard !name.isEmpty, !authority.contains("@"), !authority.contains(" ") else { return nil }
    host = String(name)
    if tail.isEmpty || tail == ":" {
      port = scheme == .https ? 443 : 80
    } else {
      guard tail.first == ":", let number = Int(tail.dropFirst()), (1...65535).contains(number) else { return nil }
      port = number
    }
  }

  public init(scheme: Scheme, host: String, port: Int, basePath: String = "") {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.basePath = basePath
  }

  /// The value of the Host header.
  var authority: String { "\(Self.bracketed(host)):\(port)" }

  /// Returns the URL with another host.
  func url(host: String) -> String { "\(scheme.rawValue)://\(Self.bracketed(host)):\(port)\(basePath)" }

  static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

  public var description: String { url(host: host) }
}
