/// An image's name without a tag, as registries and container runtimes read it (the distribution
/// project's "reference" grammar).
struct ImageName: Sendable, Hashable {
  /// `host[:port]`, or nil if the name begins with a path.
  let registry: String?
  let path: String

  init(_ name: String) {
    let parts = name.split(separator: "/", maxSplits: 1)
    if parts.count == 2, parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost" {
      registry = String(parts[0])
      path = String(parts[1])
    } else {
      registry = nil
      path = name
    }
  }

  /// The name in containerd's store, with the `docker.io/library/` that a kubelet adds to a bare name.
  var full: String {
    if let registry { return registry + "/" + path }
    return path.contains("/") ? "docker.io/" + path : "docker.io/library/" + path
  }

  /// Returns the name below the cluster's own registry. A name that is there already stays; another registry's host
  /// becomes part of the path, so that two registries' images of one path stay apart.
  func below(_ prefix: String) -> String {
    let name = registry.map { $0 + "/" + path } ?? path
    if prefix.isEmpty || name.hasPrefix(prefix + "/") { return name }
    guard let registry, !["docker.io", "localhost"].contains(registry) else { return prefix + "/" + path }
    return prefix + "/" + registry.replacing(".", with: "_").replacing(":", with: "_") + "/" + path
  }
}
