/// A message about an input: position, field, problem and remedy.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  public enum Severity: String, Sendable, Hashable { case warning, error }

  public var severity: Severity
  public var position: SourcePosition?
  /// The field's path in its document: `build.artifacts[0].docker`.
  public var field: String?
  public var message: String
  public var remedy: String?
  /// True if a variable of the environment is missing: the user must set it and start the command again.
  public var needsEnvironment = false

  public init(
    _ severity: Severity, _ message: String, at position: SourcePosition? = nil, field: String? = nil,
    remedy: String? = nil
  ) {
    self.severity = severity
    self.message = message
    self.position = position
    self.field = field
    self.remedy = remedy
  }

  /// One line: `app.yaml:12:3: error: spec.replicas: 'two' is not a number; write a number`.
  public var description: String {
    var parts: [String] = []
    if let position { parts.append("\(position): ") }
    parts.append("\(severity.rawValue): ")
    if let field, !field.isEmpty { parts.append("\(field): ") }
    parts.append(message)
    if let remedy { parts.append("; \(remedy)") }
    return parts.joined()
  }
}

/// The reasons that an input cannot be used: all problems at once, not only the first.
public struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
  /// At least one error, and the warnings found until then.
  public var diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  public init(_ message: String, at position: SourcePosition? = nil, field: String? = nil, remedy: String? = nil) {
    diagnostics = [Diagnostic(.error, message, at: position, field: field, remedy: remedy)]
  }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
