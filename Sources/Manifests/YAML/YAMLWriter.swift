import Inputs
import KubeObjects

/// Writes YAML that kubectl and kustomize read as the same values.
public enum YAMLWriter {
  /// Returns documents as they were read: plain scalars stay plain, so that the reader decides their type.
  public static func yaml(_ documents: [YAMLNode]) -> String { joined(documents.map { text(node($0)) }) }

  static func joined(_ documents: [String]) -> String { documents.joined(separator: "---\n") }

  /// Returns a block of lines without the markers around documents.
  static func text(_ output: YAMLOutput) -> String {
    // Everything that was read can be written; a failure would be the library's own.
    YAMLEmitter.text(output) ?? ""
  }

  private static func node(_ node: YAMLNode) -> YAMLOutput {
    switch node.content {
    case .scalar(let text, let isPlain): .scalar(text, isPlain ? .plain : .doubleQuoted)
    case .sequence(let elements): .sequence(elements.map { Self.node($0) })
    case .mapping(let members): .mapping(members.map { (string($0.key), Self.node($0.value)) })
    }
  }

  static func node(_ value: JSONValue, first: [String] = []) -> YAMLOutput {
    switch value {
    case .null: .scalar("null", .plain)
    case .bool(let bool): .scalar(bool ? "true" : "false", .plain)
    case .int(let int): .scalar(String(int), .plain)
    case .double: .scalar(value.description, .plain)
    case .string(let text): string(text)
    case .array(let elements): .sequence(elements.map { node($0) })
    case .object(let members):
      .mapping(keys(members, first: first).map { (string($0), node(members[$0] ?? .null)) })
    }
  }

  private static func keys(_ members: [String: JSONValue], first: [String]) -> [String] {
    first.filter { members[$0] != nil } + members.keys.filter { !first.contains($0) }.sorted()
  }

  private static func string(_ text: String) -> YAMLOutput {
    if text.contains("\n") {
      return .scalar(text, text.first == " " || text.first == "\n" ? .doubleQuoted : .literal)
    }
    return .scalar(text, isSafe(text) ? .plain : .doubleQuoted)
  }

  /// Checks whether every reader takes the plain text for this string. The library itself quotes text
  /// that YAML's grammar forbids.
  private static func isSafe(_ text: String) -> Bool {
    guard YAMLScalar.value(text) == .string(text), let first = text.first, text.last != " ", text != "<<", text != "="
    else { return false }
    // Dates, sexagesimal numbers, .inf and .nan have another type in YAML 1.1.
    return !(first.isNumber || "+-.".contains(first))
      || text.contains { $0.isLetter && !"eExXoObBtTzZinfaINFA".contains($0) }
  }
}
