import Inputs
import Manifests

/// The conditions on which a profile activates itself (`profiles[].activation`).
struct Activation {
  let command: String
  let kubeContext: String?
  let reader: FieldReader

  init(_ options: ReadingOptions, _ reader: FieldReader) {
    command = options.command
    kubeContext = options.kubeContext
    self.reader = reader
  }

  func isActive(_ profile: YAMLNode) -> Bool {
    let conditions = reader.elements(profile["activation"])
    for condition in conditions { reader.check(condition, ["env": .read, "kubeContext": .read, "command": .read]) }
    guard !conditions.isEmpty else { return false }
    return reader.bool(profile["requiresAllActivations"]) == true
      ? conditions.allSatisfy(holds) : conditions.contains(where: holds)
  }

  /// Checks that every part of one condition holds.
  private func holds(_ condition: YAMLNode) -> Bool {
    if let expected = reader.string(condition["command"]), !Self.matches(expected, command) { return false }
    if let expected = reader.string(condition["kubeContext"]), !Self.matches(expected, kubeContext ?? "") {
      return false
    }
    if let variable = condition["env"] { return environmentHolds(variable) }
    return true
  }

  private func environmentHolds(_ node: YAMLNode) -> Bool {
    guard let text = reader.string(node) else { return false }
    guard let equals = text.firstIndex(of: "=") else {
      reader.report(node.error("'\(text)' is no condition", remedy: "write KEY=VALUE"))
      return false
    }
    let value = reader.environment[String(text[..<equals])] ?? ""
    let expected = String(text[text.index(after: equals)...])
    return expected.isEmpty ? value.isEmpty : Self.matches(expected, value)
  }

  /// Matches a regular expression against any part of the text; `!` negates
  /// it. An invalid expression is compared as text.
  static func matches(_ expected: String, _ actual: String) -> Bool {
    if expected.hasPrefix("!") { return !matches(String(expected.dropFirst()), actual) }
    if expected == actual { return true }
    return Inputs.Expression(expected)?.matches(actual) ?? false
  }
}
