/// An image's name as Kubernetes means it: `busybox` and `docker.io/library/busybox:latest` are one image, and so is
/// `localhost/busybox`, since buildah names what it builds that way.
struct ImageReference: Hashable, Sendable, CustomStringConvertible {
  /// The name without a default registry.
  let name: String
  /// `:tag` or `@digest`.
  let suffix: String

  init(_ text: String) {
    var rest = Substring(text)
    if let at = rest.firstIndex(of: "@") {
      suffix = String(rest[at...])
      rest = rest[..<at]
      // A digest says more than the tag before it.
      if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") { rest = rest[..<colon] }
    } else if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
      suffix = String(rest[colon...])
      rest = rest[..<colon]
    } else {
      suffix = ":latest"
    }
    for prefix in ["docker.io/library/", "docker.io/", "index.docker.io/library/", "localhost/"]
    where rest.hasPrefix(prefix) {
      rest = rest.dropFirst(prefix.count)
      break
    }
    name = String(rest)
  }

  var description: String { name + suffix }
}
