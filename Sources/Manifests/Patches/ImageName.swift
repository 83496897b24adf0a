/// An image as a container names it: `registry.example:5000/team/shop:1.0@sha256:…`.
public struct ImageName: Sendable, Hashable {
  /// Without tag and digest.
  public var name: String
  public var tag: String?
  /// `sha256:…`.
  public var digest: String?

  public init(_ reference: String) {
    var rest = Substring(reference)
    if let at = rest.lastIndex(of: "@") {
      digest = String(rest[rest.index(after: at)...])
      rest = rest[..<at]
    }
    // A colon before the last slash is a registry's port.
    let start = rest.lastIndex(of: "/") ?? rest.startIndex
    if let colon = rest[start...].lastIndex(of: ":") {
      tag = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
    }
    name = String(rest)
  }
}
