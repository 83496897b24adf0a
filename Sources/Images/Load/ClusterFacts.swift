import FoundationEssentials
import KubeAPI
import KubeObjects

/// The facts that distinguish products.
struct ClusterFacts: Sendable {
  /// Node objects.
  var nodes: [JSONValue]
  /// `localRegistryHosting.v1` of the ConfigMap `local-registry-hosting` in kube-public (KEP-1755), by
  /// which a cluster announces a registry.
  var localRegistry: String?
  var environment: [String: String]
  /// `/proc/sys/kernel/random/boot_id`: a node that reports the same runs on this machine's kernel.
  var bootID: String
  /// Checks whether a file exists here.
  var exists: @Sendable (String) -> Bool
  /// The host of the API server's address.
  var server = ""
  /// True if a directory is this user's own, and no one else may write to it.
  var isOwn: @Sendable (String) -> Bool = { _ in false }
  /// True if the user wants images pushed to this registry, which the cluster names.
  var confirms: @Sendable (_ registry: String) -> Bool = { _ in false }

  /// - Throws: `loadFailed` if the nodes cannot be read.
  static func read(
    client: KubeClient, environment: [String: String], confirms: @escaping @Sendable (_ registry: String) -> Bool
  ) async throws(BuildError) -> ClusterFacts {
    do throws(KubeError) {
      let nodes = try await client.list(.nodes, namespace: nil).items
      // Not everyone may read it, and few clusters have it.
      let registry = try? await client.find(.configMaps, "local-registry-hosting", namespace: "kube-public")
      let boot =
        FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id").map {
          String(decoding: $0, as: UTF8.self)
        } ?? ""
      return ClusterFacts(
        nodes: nodes, localRegistry: registry?[path: "data", "localRegistryHosting.v1"]?.stringValue,
        environment: environment,
        bootID: boot.filter { !$0.isWhitespace }, exists: { FileManager.default.fileExists(atPath: $0) },
        server: client.access.server.host,
        isOwn: { path in FileManager.default.fileExists(atPath: path) && PrivateDirectory(path: path).problem == nil },
        confirms: confirms)
    } catch {
      throw BuildError(
        .loadFailed, "cannot read the cluster's nodes to recognise its product: \(error)",
        remedy: "name it with --load KIND: \(ClusterProduct.choices)")
    }
  }

  var names: [String] { nodes.compactMap(\.name) }
  var runtime: String { info("containerRuntimeVersion") }

  func info(_ field: String) -> String { nodes.first?[path: "status", "nodeInfo", field]?.stringValue ?? "" }

  func label(_ name: String) -> String? {
    nodes.lazy.compactMap { $0[path: "metadata", "labels"]?[name]?.stringValue }.first
  }

  func annotation(_ name: String) -> String? {
    nodes.lazy.compactMap { $0[path: "metadata", "annotations"]?[name]?.stringValue }.first
  }

  /// True if the only node runs on this machine's kernel: in a container, in namespaces, or plainly.
  var isHere: Bool { nodes.count == 1 && !bootID.isEmpty && info("bootID") == bootID }

  /// The announced registry, with the host's and the nodes' address. nil for one that is neither on this
  /// machine nor confirmed.
  var announcedRegistry: ClusterProduct.RegistryNames? {
    guard let registry = localRegistry.flatMap(AnnouncedRegistry.init(parsing:)) else { return nil }
    switch registry.place() {
    // The KEP's examples and all tools that write it mean a registry without TLS on this machine.
    case .here: return ClusterProduct.RegistryNames(push: registry.push, pull: registry.pull, isInsecure: true)
    case .near:
      return confirms(registry.push) ? ClusterProduct.RegistryNames(push: registry.push, pull: registry.pull) : nil
    case .elsewhere: return nil
    }
  }

  /// The directory of images that the lab's node reports. Builders write into it, so it counts only if the lab is on
  /// this machine and the directory is this user's.
  var labImages: String? {
    guard info("osImage") == "devtunnel lab", let path = annotation(ClusterProduct.labAnnotation) else { return nil }
    let isHere = isHere && (server == "localhost" || AnnouncedRegistry.isLoopback(server))
    return isHere && path.hasPrefix("/") && !path.split(separator: "/").contains("..") && isOwn(path) ? path : nil
  }
}
