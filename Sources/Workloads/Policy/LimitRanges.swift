import KubeAPI
import KubeObjects

/// The demands of a namespace's LimitRanges on the agent's Pod; it has one container, whose share is the Pod's
/// (Kubernetes documentation, "Limit Ranges").
package struct LimitRanges: Sendable, Hashable {
  /// One resource: `cpu`, `memory`, `ephemeral-storage`.
  package struct Bounds: Sendable, Hashable {
    package var min: Quantity?
    package var max: Quantity?
    /// The largest multiple of its request that a limit may be.
    package var ratio: Quantity?
    /// The limit that a container without one gets; the lowest if several LimitRanges name one.
    package var defaultLimit: Quantity?

    /// True if a limit is required, or is filled in.
    package var callsForLimit: Bool { max != nil || ratio != nil || defaultLimit != nil }

    package init() {}
  }

  package private(set) var bounds: [String: Bounds] = [:]

  package init(_ objects: [JSONValue] = []) {
    for item in objects.flatMap({ $0[path: "spec", "limits"]?.elements ?? [] }) {
      let type = item["type"]?.stringValue
      guard type == "Container" || type == "Pod" else { continue }
      func each(_ member: String, _ apply: (inout Bounds, Quantity) -> Void) {
        for (resource, value) in item[member]?.objectValue ?? [:] {
          // A quantity may also be a number.
          guard
            let quantity = value.stringValue.flatMap({ Quantity($0) }) ?? value.intValue.map({ Quantity(whole: $0) })
          else { continue }
          apply(&bounds[resource, default: Bounds()], quantity)
        }
      }
      each("min") { $0.min = Swift.max($0.min ?? $1, $1) }
      each("max") { $0.max = Swift.min($0.max ?? $1, $1) }
      each("maxLimitRequestRatio") { $0.ratio = Swift.min($0.ratio ?? $1, $1) }
      if type == "Container" { each("default") { $0.defaultLimit = Swift.min($0.defaultLimit ?? $1, $1) } }
    }
  }

  /// Reads those of a namespace; none if they may not be listed: the cluster then reports what it refuses.
  package static func read(client: KubeClient, namespace: String) async -> LimitRanges {
    LimitRanges((try? await client.list(.limitRanges, namespace: namespace))?.items ?? [])
  }
}
