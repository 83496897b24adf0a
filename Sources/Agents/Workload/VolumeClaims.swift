import ControlAPI
import KubeAPI
import KubeObjects

/// The limits that a workload's PersistentVolumeClaims put on a second Pod.
public struct VolumeClaims: Sendable {
  /// Volumes of ReadWriteOncePod claims.
  public private(set) var exclusive: Set<String> = []
  /// True if a ReadWriteOnce claim allows a second Pod only on the node where it is mounted already.
  public private(set) var tiesToNode = false

  public static func read(client: KubeClient, namespace: String, template: JSONValue) async throws(ControlError)
    -> VolumeClaims
  {
    var result = VolumeClaims()
    for volume in template[path: "spec", "volumes"]?.elements ?? [] {
      guard let name = volume.entryName, let claim = volume[path: "persistentVolumeClaim", "claimName"]?.stringValue
      else {
        continue
      }
      let object = try await attempt("reading PersistentVolumeClaim \(namespace)/\(claim)") {
        () async throws(KubeError) in
        try await client.find(.persistentVolumeClaims, claim, namespace: namespace)
      }
      let modes = (object?[path: "spec", "accessModes"]?.elements ?? []).compactMap(\.stringValue)
      if modes.contains("ReadWriteOncePod") {
        result.exclusive.insert(name)
      } else if modes.contains("ReadWriteOnce") {
        result.tiesToNode = true
      }
    }
    return result
  }
}
