import ControlAPI
import KubeAPI
import KubeObjects

/// The limits that a workload's PersistentVolumeClaims put on a second Pod.
public struct VolumeClaims: Sendable {
  /// The workload, for messages.
  private let owner: String
  /// Volumes of ReadWriteOncePod claims.
  public private(set) var exclusive: Set<String> = []
  /// Volumes of which each of the workload's Pods has a claim of its own (`volumeClaimTemplates`).
  public private(set) var ownClaims: Set<String>
  /// True if a ReadWriteOnce claim allows a second Pod only on the node where it is mounted already.
  public private(set) var tiesToNode = false

  /// The claims that are known without reading any.
  public init(_ workload: Workload) {
    owner = workload.description
    ownClaims = workload.ownClaims
  }

  /// - Parameter claims: those that exist, by name.
  init(_ workload: Workload, claims: [String: JSONValue]) {
    self.init(workload)
    for (volume, claim) in Self.named(by: workload) {
      let modes = (claims[claim]?[path: "spec", "accessModes"]?.elements ?? []).compactMap(\.stringValue)
      if modes.contains("ReadWriteOncePod") {
        exclusive.insert(volume)
      } else if modes.contains("ReadWriteOnce") {
        tiesToNode = true
      }
    }
  }

  public static func read(client: KubeClient, namespace: String, workload: Workload) async throws(ControlError)
    -> VolumeClaims
  {
    var claims: [String: JSONValue] = [:]
    for (_, claim) in named(by: workload) where claims[claim] == nil {
      claims[claim] = try await attempt("reading PersistentVolumeClaim \(namespace)/\(claim)") {
        () async throws(KubeError) in
        try await client.find(.persistentVolumeClaims, claim, namespace: namespace)
      }
    }
    return VolumeClaims(workload, claims: claims)
  }

  private static func named(by workload: Workload) -> [(volume: String, claim: String)] {
    (workload.template[path: "spec", "volumes"]?.elements ?? []).compactMap { volume in
      guard let name = volume.entryName, !workload.ownClaims.contains(name),
        let claim = volume[path: "persistentVolumeClaim", "claimName"]?.stringValue
      else { return nil }
      return (name, claim)
    }
  }

  /// Volumes that an agent's Pod goes without.
  public var left: Set<String> { exclusive.union(ownClaims) }

  /// Returns the reason why an agent's Pod goes without a volume; nil if it has it.
  public func reason(_ volume: String) -> String? {
    if ownClaims.contains(volume) { return "each Pod of \(owner) has a claim of its own for it" }
    return exclusive.contains(volume) ? "one Pod only may mount it" : nil
  }

  /// A warning for each volume that the agent's Pod goes without.
  public var warnings: [String] {
    left.sorted().compactMap { volume in reason(volume).map { "the agent goes without volume \(volume): \($0)" } }
  }
}
