import KubeObjects

/// The fields of a Pod that `fieldRef` may name (Kubernetes API, ObjectFieldSelector).
enum PodField {
  static func value(_ path: String, of pod: JSONValue) -> String? {
    for (map, values) in [("metadata.labels", pod.labels), ("metadata.annotations", pod.annotations)] {
      guard path.hasPrefix(map + "['"), path.hasSuffix("']") else { continue }
      return values[String(path.dropFirst(map.count + 2).dropLast(2))] ?? ""
    }
    switch path {
    case "status.podIPs":
      return (pod[path: "status", "podIPs"]?.elements ?? []).compactMap { $0["ip"]?.stringValue }.joined(separator: ",")
    case "status.hostIPs":
      return (pod[path: "status", "hostIPs"]?.elements ?? []).compactMap { $0["ip"]?.stringValue }.joined(
        separator: ",")
    default: break
    }
    let parts = path.split(separator: ".").map(String.init)
    guard parts.count == 2 else { return nil }
    return pod[path: parts[0], parts[1]]?.stringValue
  }
}
