import KubeAPI
import KubeObjects
import Manifests

extension DeployError {
  /// Turns an error of the API server, or of the connection to it, into one about an object.
  init(_ error: KubeError, doing what: String, object: ObjectID? = nil, position: SourcePosition? = nil) {
    self.init(.cluster, "\(what): \(error)", object: object, position: position)
    switch error {
    case .cancelled: code = .cancelled
    case .unauthorized: code = .forbidden
    case .status(let status, let reason, let message, let details): read(status, reason, message, details, what)
    default: break
    }
  }

  private mutating func read(_ status: Int, _ reason: String, _ message: String, _ details: JSONValue?, _ what: String)
  {
    switch status {
    case 422: readInvalid(message, details, what)
    case 500 where message.hasPrefix(KubeError.untypedObject):
      code = .invalid
      self.message = "the API server knows the object's kind, but not all its fields"
      fields = Self.untypedFields(message)
      remedy = "Correct the field, or its indentation."
    case 404 where details?.kind == "namespaces" || message.hasPrefix("namespaces "):
      code = .namespace
      remedy = "Make the namespace, or put it into the manifests."
    case 404 where message.contains("could not find the requested resource"): code = .unknownKind
    case 403 where message.contains("being terminated"):
      code = .namespace
      remedy = "Wait until the namespace is gone; it is made again then."
    case 400...403 where Self.isPolicy(message):
      code = .invalid
      self.message = "\(what): \(message)"
    case 403:
      code = .forbidden
      remedy = "Ask for the permission, or use a context whose user has it."
    case 409: code = .conflict
    default: break
    }
  }

  private mutating func readInvalid(_ message: String, _ details: JSONValue?, _ what: String) {
    fields = (details?.causes ?? []).map { Field(path: $0.field, message: Self.short($0.message)) }
    if fields.isEmpty { fields = [Field(path: "", message: Self.short(message))] }
    if fields.contains(where: { Self.isImmutable($0.message) }) {
      code = .immutable
      self.message = "\(what): the API server does not change this on an object that exists"
      remedy = "Delete the object, or have it deleted and made again (--recreate), or undo the change."
    } else {
      code = .invalid
      self.message = "\(what): the API server refuses it"
    }
  }

  /// Checks for a refusal by the object's contents, not by the user's rights.
  private static func isPolicy(_ message: String) -> Bool {
    [
      "admission webhook", "ValidatingAdmissionPolicy", "violates PodSecurity", "exceeded quota", "maximum ",
      "minimum ",
    ].contains { message.contains($0) }
  }

  private static func isImmutable(_ message: String) -> Bool {
    [
      "immutable", "may not change once set", "may not be changed", "updates to statefulset spec",
      "updates may not change", "cannot be changed",
    ]
    .contains { message.contains($0) }
  }

  /// Cuts the dump of the whole value, and the difference, that some messages have.
  static func short(_ message: String) -> String {
    var text = message.firstRange(of: "\n@@").map { String(message[..<$0.lowerBound]) } ?? message
    if text.utf8.count > 160, let start = text.firstRange(of: "Invalid value: {"), let end = text.lastIndex(of: "}") {
      text = String(text[..<start.lowerBound]) + String(text[text.index(after: end)...].drop { $0 == ":" || $0 == " " })
    }
    return text
  }

  /// Reads `failed to create typed patch object (…): .spec.a: field not declared in schema`, or several
  /// of them, a line each.
  private static func untypedFields(_ message: String) -> [Field] {
    guard let start = message.firstRange(of: "): ") else { return [Field(path: "", message: message)] }
    let lines = message[start.upperBound...].split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }.filter {
      !$0.isEmpty && $0 != "errors:"
    }
    return lines.map { line in
      guard line.first == ".", let end = line.firstRange(of: ": ") else {
        return Field(path: "", message: String(line))
      }
      return Field(path: String(line[..<end.lowerBound].dropFirst()), message: String(line[end.upperBound...]))
    }
  }
}

/// Runs a call of the API; its error says what was being done.
func attempt<Result>(
  _ what: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation,
  _ call: () async throws(KubeError) -> Result
) async throws(DeployError) -> Result {
  do { return try await call() } catch { throw DeployError(error, doing: what()) }
}
