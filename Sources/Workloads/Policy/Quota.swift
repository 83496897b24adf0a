import ControlAPI
import KubeAPI
import KubeObjects

/// The demands of a namespace's ResourceQuotas on every Pod.
public enum Quota {
  /// Checks for a ResourceQuota on limits, which refuses Pods without them.
  public static func demandsLimits(client: KubeClient, namespace: String) async throws(ControlError) -> Bool {
    guard let quotas = try? await client.list(.resourceQuotas, namespace: namespace) else { return false }
    return quotas.items.contains { quota in
      (quota[path: "spec", "hard"]?.objectValue ?? [:]).keys.contains { $0.hasPrefix("limits.") }
    }
  }
}
