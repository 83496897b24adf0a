import KubeObjects

/// A Pod as the rest of the node needs it: its object, and what only the node knows of it.
struct PodReference: Sendable {
  var object: JSONValue
  var address: IPv4Address?
  var hostAddress: IPv4Address
  var nodeName: String

  var uid: String { object[path: "metadata", "uid"]?.stringValue ?? "" }
  var name: String { object[path: "metadata", "name"]?.stringValue ?? "" }
  var namespace: String { object[path: "metadata", "namespace"]?.stringValue ?? "default" }
  var spec: JSONValue { object["spec"] ?? [:] }

  /// The name its containers see; at most 63 bytes, as a label.
  var hostname: String {
    let whole = spec["hostname"]?.stringValue ?? name
    return String(whole.prefix(63).reversed().drop { $0 == "-" || $0 == "." }.reversed())
  }
}

/// Reads a field as the downward API names it (Kubernetes: "Available fields").
enum FieldReference {
  /// - Throws: `containerConfig` for a path the API does not offer.
  static func value(_ path: String, of pod: PodReference) throws -> String {
    if let key = subscripted(path, "metadata.labels") {
      return pod.object[path: "metadata", "labels", key]?.stringValue ?? ""
    }
    if let key = subscripted(path, "metadata.annotations") {
      return pod.object[path: "metadata", "annotations", key]?.stringValue ?? ""
    }
    switch path {
    case "metadata.name": return pod.name
    case "metadata.namespace": return pod.namespace
    case "metadata.uid": return pod.uid
    case "metadata.labels": return lines(pod.object[path: "metadata", "labels"])
    case "metadata.annotations": return lines(pod.object[path: "metadata", "annotations"])
    case "spec.nodeName": return pod.nodeName
    case "spec.serviceAccountName": return pod.spec["serviceAccountName"]?.stringValue ?? "default"
    case "status.podIP", "status.podIPs": return pod.address?.description ?? ""
    case "status.hostIP", "status.hostIPs": return pod.hostAddress.description
    default: throw LabNodeError(.containerConfig, "unsupported fieldPath: \(path)")
    }
  }

  private static func subscripted(_ path: String, _ field: String) -> String? {
    guard path.hasPrefix(field + "['"), path.hasSuffix("']") else { return nil }
    return String(path.dropFirst(field.count + 2).dropLast(2))
  }

  /// `key="value"` in lines sorted by key, as the kubelet writes a whole map into a file.
  private static func lines(_ map: JSONValue?) -> String {
    (map?.stringMap ?? [:]).sorted { $0.key < $1.key }
      .map { "\($0.key)=\(String(decoding: JSONValue.string($0.value).serialized(), as: UTF8.self))" }.joined(
        separator: "\n")
  }
}
