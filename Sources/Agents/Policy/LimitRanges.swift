import KubeAPI
import KubeObjects

/// What the LimitRanges of a namespace demand of the agent's Pod, whose only container's share is the Pod's (Kubernetes
/// documentation, "Limit Ranges").
struct LimitRanges: Sendable, Hashable {
  /// One resource: `cpu`, `memory`, `ephemeral-storage`.
  struct Bounds: Sendable, Hashable {
    var min: Quantity?
    var max: Quantity?
    /// A limit's largest multiple of its request.
    var ratio: Quantity?
    /// The limit that a container without one gets, the lowest where several LimitRanges name one.
    var defaultLimit: Quantity?

    /// A limit has to be there, or is put there.
    var callsForLimit: Bool { max != nil || ratio != nil || defaultLimit != nil }
  }

  private(set) var bounds: [String: Bounds] = [:]

  init(_ objects: [JSONValue] = []) {
    for item in objects.flatMap({ $0[path: "spec", "limits"]?.elements ?? [] }) {
      let type = item["type"]?.stringValue
      guard type == "Container" || type == "Pod" else { continue }
      func each(_ member: String, _ apply: (inout Bounds, Quantity) -> Void) {
        for (resource, value) in item[member]?.objectValue ?? [:] {
          // A quantity may stand there as a number, too.
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

  /// Those of a namespace; none where they may not be listed: the cluster then says what it refuses.
  static func read(client: KubeClient, namespace: String) async -> LimitRanges {
    LimitRanges((try? await client.list(.limitRanges, namespace: namespace))?.items ?? [])
  }
}
