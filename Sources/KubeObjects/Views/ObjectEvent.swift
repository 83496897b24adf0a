/// An event about an object (Kubernetes API, `Event`). As in the API, a text that is left out is empty.
public struct ObjectEvent: Sendable, Hashable {
  public let isWarning: Bool
  public let reason: String
  public let message: String
  /// The uid of the object that it is about: the object's name may have been another's before.
  public let subject: String?
  /// The last time, in RFC 3339, so that texts sort as times do. Its member depends on the event's writer.
  public let time: String

  public init(_ json: JSONValue) {
    isWarning = json["type"]?.stringValue == "Warning"
    reason = json.text("reason")
    message = json.text("message")
    subject = json[path: "involvedObject", "uid"]?.stringValue
    let times = [
      json[path: "series", "lastObservedTime"], json["lastTimestamp"], json["eventTime"],
      json[path: "metadata", "creationTimestamp"],
    ]
    time = times.lazy.compactMap { $0?.stringValue }.first ?? ""
  }

  /// `REASON: MESSAGE`, on one line.
  public var text: String { "\(reason): \(message.split(whereSeparator: \.isNewline).joined(separator: " "))" }
}
