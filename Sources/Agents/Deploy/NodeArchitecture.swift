import ControlAPI
import KubeAPI
import KubeObjects

/// The architecture of a node's processor, as its Node object says if we may read it.
public enum NodeArchitecture {
  /// Reads it.
  /// - Returns: the architecture; amd64 if the node may not be read (the Pod is then scheduled to such nodes only).
  /// - Throws: `ControlError` for a node on which no agent runs.
  public static func of(_ node: String?, client: KubeClient) async throws(ControlError) -> Architecture {
    guard let node, let object = try? await client.find(.nodes, node) else { return .amd64 }
    let info = object[path: "status", "nodeInfo"]
    if let system = info?["operatingSystem"]?.stringValue, system != "linux" {
      throw ControlError(.refused, "node \(node) runs \(system); the agent runs on Linux only")
    }
    let name = info?["architecture"]?.stringValue ?? "amd64"
    guard let architecture = Architecture(rawValue: name) else {
      throw ControlError(
        .refused,
        "node \(node) has processor \(name); there are agents for "
          + Architecture.allCases.map(\.rawValue).joined(separator: " and ")
      )
    }
    return architecture
  }
}
