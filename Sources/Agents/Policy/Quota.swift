import ControlAPI
import KubeAPI
import KubeObjects

/// What the namespace demands of every Pod.
public enum Quota {
  /// A ResourceQuota on limits refuses Pods without them.
  public static func demandsLimits(client: KubeClient, namespace: String) async throws(ControlError) -> Bool {
    guard let quotas = try? await client.list(.resourceQuotas, namespace: namespace) else { return false }
    return quotas.items.contains { quota in
      (quota[path: "spec", "hard"]?.objectValue ?? [:]).keys.contains { $0.hasPrefix("limits.") }
    }
  }
}
