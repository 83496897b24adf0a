import KubeObjects

/// What Warning events say about one object. Events live for an hour, and an object's name may have been another's
/// within it: the uid tells them apart.
struct WarningEvents {
  /// Oldest first; of those that say the same, the newest.
  private(set) var texts: [String] = []

  /// - Parameters:
  ///   - events: all that bear the object's name.
  ///   - limit: how many are kept, the newest.
  init(_ events: [JSONValue], about object: JSONValue, limit: Int = 5) {
    let uid = object.uid
    let isNeverReady =
      object[path: "spec", "containers"]?.elements.contains {
        $0["command"]?.elements.contains("--never-ready") ?? false
      } ?? false
    let warnings = events.filter { event in
      guard event["type"]?.stringValue == "Warning", event[path: "involvedObject", "uid"]?.stringValue == uid else {
        return false
      }
      // An agent that no Service may send traffic to fails its probe by intent.
      return
        !(isNeverReady && event["reason"]?.stringValue == "Unhealthy"
        && event["message"]?.stringValue?.hasPrefix("Readiness probe") == true)
    }
    var seen: Set<String> = []
    for event in warnings.sorted(by: { Self.time($0) > Self.time($1) }) {
      let message = event["message"]?.stringValue ?? ""
      guard texts.count < limit, seen.insert(Self.essence(message)).inserted else { continue }
      texts.append("event \(event["reason"]?.stringValue ?? ""): \(message)")
    }
    texts.reverse()
  }

  /// RFC 3339, so that texts sort as times do. Which member an event has depends on the version of the API that its
  /// writer used.
  private static func time(_ event: JSONValue) -> String {
    event[path: "series", "lastObservedTime"]?.stringValue ?? event["lastTimestamp"]?.stringValue ?? event["eventTime"]?
      .stringValue
      ?? event[path: "metadata", "creationTimestamp"]?.stringValue ?? ""
  }

  /// A controller tries again with a new Pod name each time: without it, the message is the same.
  static func essence(_ message: String) -> String {
    let text = message.hasPrefix("Error creating: ") ? String(message.dropFirst("Error creating: ".count)) : message
    return text.replacing(/"[a-z0-9.-]+-[a-z0-9]{5}"/, with: "\"\"")
  }
}
