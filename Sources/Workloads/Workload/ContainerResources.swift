import KubeObjects

/// The resources of a container as a variable may name them (Kubernetes API, ResourceFieldSelector).
package enum ContainerResources {
  /// Returns the value that the kubelet gives; nil if it depends on the node, or the reference names nothing.
  /// - Parameters:
  ///   - own: the container that has the variable.
  ///   - pod: a Pod or a Pod template.
  package static func value(_ reference: JSONValue, of own: JSONValue, in pod: JSONValue) -> String? {
    let name = reference["containerName"]?.stringValue
    let container =
      name == nil || name == own.entryName
      ? own : (pod.runningContainers.first { $0.entryName == name } ?? [:])
    guard let parts = reference["resource"]?.stringValue?.split(separator: ".", maxSplits: 1).map(String.init),
      parts.count == 2
    else { return nil }
    let resources = container["resources"]
    let limit = resources?[path: "limits", parts[1]]
    // A container without a request has its limit as one; without either, nothing is requested.
    let amount: JSONValue? =
      switch parts[0] {
      case "limits": limit
      case "requests": resources?[path: "requests", parts[1]] ?? limit ?? "0"
      default: nil
      }
    guard let amount = quantity(amount), let divisor = quantity(reference["divisor"] ?? "1") else { return nil }
    let unit = divisor.milli == 0 ? 1000 : divisor.milli
    guard amount.milli >= 0, unit > 0 else { return nil }
    return String(amount.milli / unit + (amount.milli % unit == 0 ? 0 : 1))
  }

  /// A quantity may also be a number.
  private static func quantity(_ value: JSONValue?) -> Quantity? {
    value?.stringValue.flatMap { Quantity($0) } ?? value?.intValue.map { Quantity(whole: $0) }
  }
}
