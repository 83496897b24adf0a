import FoundationEssentials
import KubeAPI

/// Asks a registry for its image of a name (OCI Distribution Specification, "Pulling manifests"), if it
/// answers without credentials.
struct RegistryClient: Sendable {
  /// The image of a reference.
  struct Found: Sendable, Hashable {
    /// `host:port/path@sha256:…`, which always means the same image.
    var reference: String
    /// The digest of the image's configuration: its id in a builder's store.
    var id: String
  }

  /// `host:port` of registries without TLS, or with an unsigned certificate.
  let insecureRegistries: Set<String>
  private let multi = CurlMulti()

  init(insecureRegistries: Set<String>) { self.insecureRegistries = insecureRegistries }

  /// - Parameter reference: `host:port/path:tag` or `host:port/path@digest`.
  /// - Returns: nil unless the answer is plain: no such image, several architectures, credentials wanted,
  ///   no connection.
  func image(_ reference: String) async -> Found? {
    guard let parts = Parts(reference) else { return nil }
    for scheme in insecureRegistries.contains(parts.registry) ? ["http", "https"] : ["https"] {
      guard let server = ServerURL("\(scheme)://\(parts.registry)") else { return nil }
      let access = ClusterAccess(server: server, insecureSkipTLSVerify: insecureRegistries.contains(parts.registry))
      let request = HTTPRequest(
        "GET", "/v2/\(parts.path)/manifests/\(parts.version)",
        headers: [("Accept", Self.kinds.joined(separator: ", "))], timeout: .seconds(3))
      guard let response = try? await multi.perform(request, on: access, as: Credentials(), limit: 1 << 20),
        response.status == 200
      else { continue }
      // It becomes part of the manifests: it must be a digest, and nothing else.
      guard let header = response.head.header("docker-content-digest"), let digest = StoreTool.normalized(header),
        let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(response.body)),
        let id = StoreTool.normalized(manifest.config.digest)
      else { return nil }
      return Found(reference: "\(parts.registry)/\(parts.path)@\(digest)", id: id)
    }
    return nil
  }

  private static let kinds = [
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
  ]

  private struct Manifest: Decodable {
    struct Descriptor: Decodable { var digest: String }
    var config: Descriptor
  }

  private struct Parts {
    var registry: String
    var path: String
    /// A tag or a digest.
    var version: String

    init?(_ reference: String) {
      let name = ImageName(reference)
      guard let registry = name.registry else { return nil }
      let separator = name.path.firstIndex(of: "@") ?? name.path.lastIndex(of: ":")
      self.registry = registry
      path = String(name.path[..<(separator ?? name.path.endIndex)])
      version = separator.map { String(name.path[name.path.index(after: $0)...]) } ?? "latest"
    }
  }
}
