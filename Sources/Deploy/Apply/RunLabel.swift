import KubeObjects

/// devtunnel's marks on the objects of a run.
public enum RunLabel {
  /// On every object, and on the Pod templates of workloads; never in a selector.
  public static let key = "devtunnel.dev/run"
  /// On copies of a remote cluster's objects: their source, `context/namespace`.
  public static let mirroredFrom = "devtunnel.dev/mirrored-from"

  /// Makes a label value of any text: other characters become '-'; long texts keep their beginning and get a check sum.
  public static func value(_ text: String) -> String {
    let allowed = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
    let value = trimmed(String(allowed))
    guard value.count > 63 || value.isEmpty else { return value }
    return trimmed("\(value.prefix(54))-\(checksum(text))")
  }

  static func selector(_ run: String) -> LabelSelector { LabelSelector(matchLabels: [key: run]) }

  /// Cuts a text so that it begins and ends with a letter or digit, as label values must.
  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while let first = text.first, "-_.".contains(first) { text.removeFirst() }
    while let last = text.last, "-_.".contains(last) { text.removeLast() }
    return String(text)
  }

  /// Returns FNV-1a, 32 bits, in hexadecimal.
  private static func checksum(_ text: String) -> String {
    let hash = text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  // MARK: Objects

  /// Returns the path of a kind's Pod template, nil if it has none.
  static func template(of kind: String?) -> [String]? {
    switch kind {
    case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job": ["spec", "template"]
    case "CronJob": ["spec", "jobTemplate", "spec", "template"]
    default: nil
    }
  }

  /// Puts the label on the object and its Pod template. Selectors stay, and with them a workload's identity.
  static func mark(_ object: JSONValue, run: String) -> JSONValue {
    var object = object
    object.labels[key] = run
    if let path = template(of: object.kind) { object = marked(object, path[...], run) }
    return object
  }

  private static func marked(_ value: JSONValue, _ path: ArraySlice<String>, _ run: String) -> JSONValue {
    var value = value
    if let first = path.first {
      // The server reports a missing template.
      guard let child = value[first] else { return value }
      value[first] = marked(child, path.dropFirst(), run)
    } else {
      value.labels[key] = run
    }
    return value
  }
}
