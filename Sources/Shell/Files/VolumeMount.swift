import KubeObjects
import Workloads

/// A volume mount of a container.
struct VolumeMount: Codable, Sendable, Hashable {
  var name: String
  /// Absolute, in the container; in a record of another daemon any text.
  var path: String
  /// True for ConfigMaps, Secrets, the downward API and tokens: small, and kept fresh. Others are copied
  /// only on request.
  var isProjected: Bool

  static let tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// Reads the mounts of a container, outer ones first, and the ServiceAccount's token, which admission adds to Pods
  /// (Kubernetes API, "Configure Service Accounts for Pods").
  /// - Parameter claims: the volumes that the agent goes without.
  /// - Returns: the mounts, and a warning for each mount that is left out.
  static func read(template: JSONValue, container: JSONValue, claims: VolumeClaims? = nil) -> (
    mounts: [VolumeMount], warnings: [String]
  ) {
    let volumes = template[path: "spec", "volumes"]?.elements ?? []
    var mounts: [(mount: VolumeMount, depth: Int)] = []
    var warnings: [String] = []
    for mount in container["volumeMounts"]?.elements ?? [] {
      guard let name = mount.entryName, let text = mount["mountPath"]?.stringValue else { continue }
      do throws(MountPath.Problem) {
        let path = try MountPath(text)
        if let reason = claims?.reason(name) {
          warnings.append("the files of volume \(name) (\(path.text)) are not copied: \(reason)")
          continue
        }
        let volume = volumes.first { $0.entryName == name } ?? [:]
        let isProjected = ["configMap", "secret", "downwardAPI", "projected"].contains { volume[$0] != nil }
        mounts.append((VolumeMount(name: name, path: path.text, isProjected: isProjected), path.parts.count))
      } catch {
        warnings.append(
          "volume \(name) of container \(container.entryName ?? "") is left out: "
            + "its mountPath \(text.prefix(256)) \(error.message)"
        )
      }
    }
    if template[path: "spec", "automountServiceAccountToken"]?.boolValue != false,
      !mounts.contains(where: { $0.mount.path == tokenPath })
    {
      mounts.append((VolumeMount(name: "token", path: tokenPath, isProjected: true), 5))
    }
    return (mounts.sorted { $0.depth < $1.depth }.map(\.mount), warnings)
  }
}
