import KubeObjects
import LabStore

/// A request's failure, as Kubernetes tells it to clients: a `Status` object and an HTTP code.
struct StatusError: Error, Sendable {
  var code: Int
  /// Kubernetes' machine-readable `reason`.
  var reason: String
  var message: String
  var details: JSONValue?

  init(_ code: Int, _ reason: String, _ message: String, details: JSONValue? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.details = details
  }

  /// The `Status` object that clients read.
  var object: JSONValue {
    var status: JSONValue = [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
      "reason": .string(reason),
      "code": JSONValue(code),
    ]
    status["details"] = details
    return status
  }
}

extension StatusError {
  static func badRequest(_ message: String) -> StatusError { StatusError(400, "BadRequest", message) }

  static func notFound(_ kind: ResourceKind, _ name: String) -> StatusError {
    StatusError(404, "NotFound", "\(kind.qualifiedPlural) \"\(name)\" not found", details: kind.details(name))
  }

  static var noSuchPath: StatusError {
    StatusError(404, "NotFound", "the server could not find the requested resource", details: [:])
  }

  static func alreadyExists(_ kind: ResourceKind, _ name: String) -> StatusError {
    StatusError(409, "AlreadyExists", "\(kind.qualifiedPlural) \"\(name)\" already exists", details: kind.details(name))
  }

  static func conflict(_ kind: ResourceKind, _ name: String) -> StatusError {
    StatusError(
      409, "Conflict",
      "Operation cannot be fulfilled on \(kind.qualifiedPlural) \"\(name)\": the object has been modified; "
        + "please apply your changes to the latest "
        + "version and try again",
      details: kind.details(name))
  }

  static func forbidden(_ kind: ResourceKind, _ name: String, _ why: String, causes: [FieldCause] = []) -> StatusError {
    var details = kind.details(name)
    if !causes.isEmpty { details["causes"] = .array(causes.map(\.object)) }
    return StatusError(403, "Forbidden", "\(kind.qualifiedPlural) \"\(name)\" is forbidden: \(why)", details: details)
  }

  static func invalid(_ kind: ResourceKind, _ name: String, _ causes: [FieldCause]) -> StatusError {
    let texts = causes.map { "\($0.field): \($0.message)" }
    let text = texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
    var details = kind.details(name, usesKindName: true)
    details["causes"] = .array(causes.map(\.object))
    return StatusError(422, "Invalid", "\(kind.qualifiedKind) \"\(name)\" is invalid: \(text)", details: details)
  }

  static func unsupportedMediaType(_ message: String) -> StatusError {
    StatusError(415, "UnsupportedMediaType", message)
  }

  static func methodNotAllowed(_ message: String) -> StatusError { StatusError(405, "MethodNotAllowed", message) }

  static let unauthorized = StatusError(401, "Unauthorized", "Unauthorized")

  static let expired = StatusError(
    410, "Expired", "too old resource version: the changes since then are no longer known, list again")

  static func internalError(_ message: String) -> StatusError {
    StatusError(500, "InternalError", "Internal error occurred: \(message)")
  }

  /// Translates a store's error for a client.
  init(_ error: StoreError, kind: ResourceKind) {
    switch error {
    case .notFound(let key): self = .notFound(kind, key.name)
    case .alreadyExists(let key): self = .alreadyExists(kind, key.name)
    case .conflict(let key): self = .conflict(kind, key.name)
    case .expired: self = .expired
    case .nameless:
      self = .invalid(
        kind, "", [FieldCause(.required, "metadata.name", "Required value: name or generateName is required")])
    }
  }
}

/// One mistake in an object, by its field (an entry of `details.causes`).
struct FieldCause: Sendable, Equatable {
  enum Reason: String, Sendable {
    case required = "FieldValueRequired"
    case invalid = "FieldValueInvalid"
    case duplicate = "FieldValueDuplicate"
    case notSupported = "FieldValueNotSupported"
    case forbidden = "FieldValueForbidden"
    case namespaceTerminating = "NamespaceTerminating"
    case fieldManagerConflict = "FieldManagerConflict"
  }

  var reason: Reason
  var field: String
  var message: String

  init(_ reason: Reason, _ field: String, _ message: String) {
    self.reason = reason
    self.field = field
    self.message = message
  }

  var object: JSONValue { ["reason": .string(reason.rawValue), "field": .string(field), "message": .string(message)] }
}
