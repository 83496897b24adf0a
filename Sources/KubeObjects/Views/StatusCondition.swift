/// A condition in an object's status (Kubernetes API, `Condition`). As in the API, a text that is left out is empty.
public struct StatusCondition: Sendable, Hashable {
  public let type: String
  /// `True`, `False` or `Unknown`.
  public let status: String
  /// One word of the condition's writer.
  public let reason: String
  public let message: String
  /// RFC 3339.
  public let lastTransitionTime: String

  init(_ json: JSONValue) {
    type = json.text("type")
    status = json.text("status")
    reason = json.text("reason")
    message = json.text("message")
    lastTransitionTime = json.text("lastTransitionTime")
  }

  public var isTrue: Bool { status == "True" }
  public var isFalse: Bool { status == "False" }

  /// `REASON: MESSAGE`, or the one that there is; the type without either.
  public var text: String {
    let words = [reason, message].filter { !$0.isEmpty }
    return words.isEmpty ? type : words.joined(separator: ": ")
  }
}

extension JSONValue {
  /// `status.conditions`.
  public var conditions: [StatusCondition] {
    (self[path: "status", "conditions"]?.elements ?? []).map(StatusCondition.init)
  }

  public func condition(ofType type: String) -> StatusCondition? { conditions.first { $0.type == type } }

  /// Checks whether a Pod's condition `Ready` is true.
  public var isReady: Bool { condition(ofType: "Ready")?.isTrue == true }

  /// A member that is a plain text in the API's own types: there, one that is left out is an empty text.
  func text(_ member: String) -> String { self[member]?.stringValue ?? "" }
}
