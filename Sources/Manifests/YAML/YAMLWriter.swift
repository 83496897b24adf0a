import KubeObjects
import Yams

/// Writes YAML that kubectl and kustomize read as the same values.
public enum YAMLWriter {
  /// Returns documents as they were read: plain scalars stay plain, so that the reader decides their type.
  public static func yaml(_ documents: [YAMLNode]) -> String { joined(documents.map { text(node($0)) }) }

  static func joined(_ documents: [String]) -> String { documents.joined(separator: "---\n") }

  /// Returns a block of lines without the markers around documents.
  static func text(_ node: Node) -> String {
    // Everything that was read can be written; a failure would be the library's own.
    (try? Yams.serialize(node: node, width: -1, allowUnicode: true)) ?? ""
  }

  private static func node(_ node: YAMLNode) -> Node {
    switch node.content {
    case .scalar(let text, let isPlain): isPlain ? Node(text, .implicit, .plain) : quoted(text)
    case .sequence(let elements): list(elements.map { Self.node($0) })
    case .mapping(let members): mapping(members.map { ($0.key, Self.node($0.value)) })
    }
  }

  static func node(_ value: JSONValue, first: [String] = []) -> Node {
    switch value {
    case .null: Node("null", .implicit, .plain)
    case .bool(let bool): Node(bool ? "true" : "false", .implicit, .plain)
    case .int(let int): Node(String(int), .implicit, .plain)
    case .double: Node(value.description, .implicit, .plain)
    case .string(let text): string(text)
    case .array(let elements): list(elements.map { node($0) })
    case .object(let members): mapping(keys(members, first: first).map { ($0, node(members[$0] ?? .null)) })
    }
  }

  private static func keys(_ members: [String: JSONValue], first: [String]) -> [String] {
    first.filter { members[$0] != nil } + members.keys.filter { !first.contains($0) }.sorted()
  }

  private static func string(_ text: String) -> Node {
    if text.contains("\n") {
      return Node(text, .implicit, text.first == " " || text.first == "\n" ? .doubleQuoted : .literal)
    }
    return isSafe(text) ? Node(text, .implicit, .plain) : quoted(text)
  }

  private static func quoted(_ text: String) -> Node { Node(text, .implicit, .doubleQuoted) }

  /// Checks whether every reader takes the plain text for this string. The library itself quotes text
  /// that YAML's grammar forbids.
  private static func isSafe(_ text: String) -> Bool {
    guard YAMLScalar.value(text) == .string(text), let first = text.first, text.last != " ", text != "<<", text != "="
    else { return false }
    // Dates, sexagesimal numbers, .inf and .nan have another type in YAML 1.1.
    return !(first.isNumber || "+-.".contains(first))
      || text.contains { $0.isLetter && !"eExXoObBtTzZinfaINFA".contains($0) }
  }

  private static func list(_ elements: [Node]) -> Node { Node(elements, .implicit, elements.isEmpty ? .flow : .block) }

  private static func mapping(_ members: [(String, Node)]) -> Node {
    Node(members.map { (string($0.0), $0.1) }, .implicit, members.isEmpty ? .flow : .block)
  }
}
