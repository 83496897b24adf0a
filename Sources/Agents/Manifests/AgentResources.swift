import KubeObjects
import Workloads

/// The resources of the agent's container: little, unless the namespace demands more of every Pod.
struct AgentResources: Sendable {
  /// A quota demands limits.
  var needsLimits = false
  var limitRanges = LimitRanges()

  /// The requests and limits that we want of one resource.
  private struct Wish {
    var resource: String
    var request: Quantity
    var limit: Quantity
    /// Below this limit the agent is too slow, or ends: a LimitRange's ratio raises the request rather than push the
    /// limit under it.
    var leastLimit: Quantity
    /// True if it is requested even when no LimitRange names it.
    var always = true
  }

  private static let wishes = [
    Wish(resource: "cpu", request: Quantity(milli: 10), limit: Quantity(milli: 500), leastLimit: Quantity(milli: 100)),
    Wish(resource: "memory", request: mebibytes(16), limit: mebibytes(96), leastLimit: mebibytes(64)),
    Wish(
      resource: "ephemeral-storage", request: mebibytes(1), limit: mebibytes(64), leastLimit: mebibytes(16),
      always: false),
  ]

  private static func mebibytes(_ count: Int) -> Quantity { Quantity(whole: count << 20) }

  /// The container's `resources`.
  var object: JSONValue {
    var resources: JSONValue = [:]
    for wish in Self.wishes {
      let bounds = limitRanges.bounds[wish.resource]
      guard wish.always || bounds != nil else { continue }
      let (request, limit) = fit(wish, bounds ?? LimitRanges.Bounds())
      resources[path: "requests", wish.resource] = JSONValue(request.description)
      if let limit { resources[path: "limits", wish.resource] = JSONValue(limit.description) }
    }
    return resources
  }

  private func fit(_ wish: Wish, _ bounds: LimitRanges.Bounds) -> (request: Quantity, limit: Quantity?) {
    // If the maximum is below the minimum, no request is accepted.
    let most = bounds.max ?? Quantity(milli: .max)
    var request = min(max(wish.request, bounds.min ?? wish.request), most)
    guard bounds.callsForLimit || needsLimits && wish.always else { return (request, nil) }
    var limit = wish.limit
    if let ratio = bounds.ratio, ratio.milli > 0 {
      limit = min(limit, max(Quantity(milli: scaled(request.milli, by: ratio.milli, over: 1000)), wish.leastLimit))
      limit = min(max(limit, request), most)
      // Rounded up, so that the ratio is not exceeded.
      request = max(request, Quantity(milli: scaled(limit.milli, by: 1000, over: ratio.milli, up: true)))
    }
    return (request, min(max(limit, request), most))
  }

  private func scaled(_ value: Int, by factor: Int, over divisor: Int, up: Bool = false) -> Int {
    let product = Double(value) * Double(factor) / Double(divisor)
    return Int(saturating: up ? product.rounded(.up) : product.rounded(.down))
  }
}
