/// The API server's answer that is no object: a failure, or the end of a watch (Kubernetes API, `Status`).
public struct APIStatus: Sendable, Hashable {
  /// The HTTP status; nil if it is left out.
  public let code: Int?
  /// One word, such as `NotFound`; empty if it is left out.
  public let reason: String
  public let message: String?
  public let details: JSONValue?
  public let isSuccess: Bool

  public init(_ json: JSONValue) {
    code = json["code"]?.intValue
    reason = json.text("reason")
    message = json["message"]?.stringValue
    details = json["details"]
    isSuccess = json["status"]?.stringValue == "Success"
  }
}

/// The server's verdict on one field (Kubernetes API, `StatusCause`). As in the API, a text that is left out is empty.
public struct StatusCause: Sendable, Hashable {
  public let reason: String
  public let field: String
  public let message: String
}

extension JSONValue {
  /// The causes in a Status' details.
  public var causes: [StatusCause] {
    (self["causes"]?.elements ?? []).map {
      StatusCause(reason: $0.text("reason"), field: $0.text("field"), message: $0.text("message"))
    }
  }
}
