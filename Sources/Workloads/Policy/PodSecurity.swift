import KubeAPI
import KubeObjects

/// Pod Security admission (Kubernetes documentation, "Pod Security Standards").
package enum PodSecurity {
  package enum Level: String, Sendable {
    case privileged, baseline, restricted
  }

  private static let label = "pod-security.kubernetes.io/enforce"

  /// Returns the level that the namespace's label enforces; nil if it has none or may not be read. A default of the
  /// whole cluster is not visible.
  package static func enforced(in namespace: String, client: KubeClient) async -> Level? {
    guard let object = try? await client.find(.namespaces, namespace) else { return nil }
    return object.labels[label].flatMap { Level(rawValue: $0) }
  }

  /// An id that owns no files in most images: `nobody`.
  private static let nobody: JSONValue = 65534

  /// Fills in what `restricted` demands and the PodSpec's first container, the agent's, lacks; the agent needs no
  /// privilege. The workload's own values stay, even if they are refused. `baseline` accepts absent fields.
  /// - Parameter isOwnImage: true for the workload's image, whose user is not root if the workload runs as non-root.
  package static func restrict(_ pod: JSONValue, isOwnImage: Bool) -> JSONValue {
    var pod = pod
    guard var container = pod["containers"]?.elements.first else { return pod }
    func given(_ member: String) -> JSONValue? {
      [container[path: "securityContext", member], pod[path: "securityContext", member]].compactMap { $0 }.first {
        $0 != .null
      }
    }
    var context = container["securityContext"] ?? [:]
    if context == .null { context = [:] }
    if given("seccompProfile") == nil { context["seccompProfile"] = ["type": "RuntimeDefault"] }
    let wasNonRoot = given("runAsNonRoot") == true
    if given("runAsNonRoot") == nil { context["runAsNonRoot"] = true }
    if given("runAsUser") == nil, !(wasNonRoot && isOwnImage) { context["runAsUser"] = nobody }
    // Beside these the API server accepts no `false`, and would refuse before Pod Security gives its reason.
    let isPrivileged =
      context["privileged"] == true || context[path: "capabilities", "add"]?.elements.contains("CAP_SYS_ADMIN") == true
    if context["allowPrivilegeEscalation"] ?? .null == .null, !isPrivileged {
      context["allowPrivilegeEscalation"] = false
    }
    var dropped = context[path: "capabilities", "drop"]?.elements ?? []
    if !dropped.contains("ALL") {
      dropped.append("ALL")
      context[path: "capabilities", "drop"] = .array(dropped)
    }
    container["securityContext"] = context
    pod["containers"] = .array([container] + (pod["containers"]?.elements ?? []).dropFirst())
    return pod
  }
}
