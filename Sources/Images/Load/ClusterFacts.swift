import FoundationEssentials
import KubeAPI
import KubeObjects
import Manifests

/// What tells one product from another.
struct ClusterFacts: Sendable {
  /// Node objects.
  var nodes: [JSONValue]
  /// `localRegistryHosting.v1` of the ConfigMap `local-registry-hosting` in kube-public (KEP-1755): how a cluster says that it has a registry.
  var localRegistry: String?
  var environment: [String: String]
  /// `/proc/sys/kernel/random/boot_id`: a node that says the same runs on this machine's kernel.
  var bootID: String
  /// Which files exist here.
  var exists: @Sendable (String) -> Bool

  /// - Throws: `loadFailed` where the nodes cannot be read.
  static func read(client: KubeClient, environment: [String: String]) async throws(BuildError) -> ClusterFacts {
    do throws(KubeError) {
      let nodes = try await client.list(.nodes, namespace: nil).items
      // Not everyone may read it, and few clusters have it.
      let registry = try? await client.find(.configMaps, "local-registry-hosting", namespace: "kube-public")
      let boot = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id").map { String(decoding: $0, as: UTF8.self) } ?? ""
      return ClusterFacts(
        nodes: nodes, localRegistry: registry?[path: "data", "localRegistryHosting.v1"]?.stringValue, environment: environment,
        bootID: boot.filter { !$0.isWhitespace }, exists: { FileManager.default.fileExists(atPath: $0) })
    } catch {
      throw BuildError(.loadFailed, "cannot read the cluster's nodes to see what it is: \(error)", remedy: "say it with --load KIND: \(ClusterProduct.choices)")
    }
  }

  var names: [String] { nodes.compactMap(\.name) }
  var runtime: String { info("containerRuntimeVersion") }

  func info(_ field: String) -> String { nodes.first?[path: "status", "nodeInfo", field]?.stringValue ?? "" }

  func label(_ name: String) -> String? { nodes.lazy.compactMap { $0[path: "metadata", "labels"]?[name]?.stringValue }.first }

  func annotation(_ name: String) -> String? { nodes.lazy.compactMap { $0[path: "metadata", "annotations"]?[name]?.stringValue }.first }

  /// One node, and it runs on this machine's kernel: in a container, in namespaces, or plainly.
  var isHere: Bool { nodes.count == 1 && !bootID.isEmpty && info("bootID") == bootID }

  /// The registry that the cluster's maker announced: as the host has it, and as nodes do.
  var announcedRegistry: ClusterProduct.RegistryNames? {
    guard let localRegistry else { return nil }
    var warnings: [Diagnostic] = []
    let document = try? YAMLNode.documents(in: localRegistry, file: "local-registry-hosting", warnings: &warnings).first
    guard let host = try? document?["host"]?.string(), !host.isEmpty else { return nil }
    let pull = (try? document?["hostFromContainerRuntime"]?.string()) ?? nil
    // The KEP's examples and all tools that write it mean a registry without TLS on this machine.
    let isLocal = host.hasPrefix("localhost") || host.hasPrefix("127.") || host.contains(".localhost")
    return ClusterProduct.RegistryNames(push: host, pull: pull, isInsecure: isLocal)
  }
}
