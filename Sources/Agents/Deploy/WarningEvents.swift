import KubeObjects

/// The texts of Warning events about one object. Events live for an hour, and the object's name may have been another's
/// within it: the uid distinguishes them.
struct WarningEvents {
  /// Oldest first; the newest of each group with the same text.
  private(set) var texts: [String] = []

  /// - Parameters:
  ///   - events: all that have the object's name.
  ///   - limit: the number of texts to keep, the newest.
  init(_ events: [JSONValue], about object: JSONValue, limit: Int = 5) {
    let uid = object.uid
    let isNeverReady =
      object[path: "spec", "containers"]?.elements.contains {
        $0["command"]?.elements.contains("--never-ready") ?? false
      } ?? false
    let warnings = events.map(ObjectEvent.init).filter { event in
      guard event.isWarning, event.subject == uid else { return false }
      // An agent that must receive no Service's traffic fails its probe on purpose.
      return !(isNeverReady && event.reason == "Unhealthy" && event.message.hasPrefix("Readiness probe"))
    }
    var seen: Set<String> = []
    for event in warnings.sorted(by: { $0.time > $1.time }) {
      guard texts.count < limit, seen.insert(Self.essence(event.message)).inserted else { continue }
      texts.append("event \(event.reason): \(event.message)")
    }
    texts.reverse()
  }

  /// Returns the message without a Pod's name, which changes with each attempt of a controller.
  static func essence(_ message: String) -> String {
    let text = message.hasPrefix("Error creating: ") ? String(message.dropFirst("Error creating: ".count)) : message
    return text.replacing(/"[a-z0-9.-]+-[a-z0-9]{5}"/, with: "\"\"")
  }
}
