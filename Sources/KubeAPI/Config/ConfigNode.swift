import Inputs
import KubeObjects
import Yams

/// A value in a kubeconfig, with its position for errors.
struct ConfigNode {
  let node: Node
  let file: String

  /// - Returns: nil for an empty file.
  /// - Throws: `KubeError.config` with the position where the text stops being YAML.
  init?(parsing text: String, file: String) throws(KubeError) {
    self.file = file
    try Self.check(text, file)
    do {
      guard let node = try Yams.compose(yaml: text, .default, .default, .utf8) else { return nil }
      self.node = node
    } catch let error as YamlError {
      throw Self.broken(error, file)
    } catch {
      throw .config(file: file, problem: "it is not YAML: \(error)", remedy: "correct it")
    }
    if isNull { return nil }
    guard case .mapping = node else {
      throw error("it is not a kubeconfig", "a kubeconfig is a mapping with clusters, users and contexts")
    }
  }

  init(_ node: Node, _ file: String) {
    self.node = node
    self.file = file
  }

  /// Refuses a text that expands far beyond its size, before anything is made of it.
  static func check(_ text: String, _ file: String) throws(KubeError) {
    do throws(YAMLProblem) { _ = try YAMLText.read(text) } catch {
      // The reader of the text reports mistakes.
      guard error.kind == .refused else { return }
      throw .config(
        file: file, line: error.line, column: error.column, problem: error.message,
        remedy: error.remedy ?? "correct this place")
    }
  }

  static func broken(_ error: YamlError, _ file: String) -> KubeError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      .config(
        file: file, line: mark.line, column: mark.column, problem: "it is not YAML: \(problem)",
        remedy: "correct this place")
    default: .config(file: file, problem: "it is not YAML: \(error)", remedy: "correct it")
    }
  }

  var line: Int? { node.mark?.line }
  var empty: ConfigNode { ConfigNode(Node([(Node, Node)]()), file) }

  private var isNull: Bool {
    guard case .scalar(let scalar) = node else { return false }
    return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  func error(_ problem: String, _ remedy: String) -> KubeError {
    .config(file: file, line: node.mark?.line, column: node.mark?.column, problem: problem, remedy: remedy)
  }

  /// A member that exists and is not null.
  subscript(key: String) -> ConfigNode? {
    get throws(KubeError) {
      guard case .mapping(let mapping) = node else {
        throw error("a mapping with '\(key)' is expected here", "correct this place")
      }
      for (name, value) in mapping where name.scalar?.string == key {
        let found = ConfigNode(value, file)
        return found.isNull ? nil : found
      }
      return nil
    }
  }

  func members() throws(KubeError) -> [(String, ConfigNode)] {
    guard case .mapping(let mapping) = node else { throw error("a mapping is expected here", "correct this place") }
    return mapping.map { ($0.key.scalar?.string ?? "", ConfigNode($0.value, file)) }
  }

  func elements() throws(KubeError) -> [ConfigNode] {
    guard case .sequence(let sequence) = node else { throw error("a list is expected here", "correct this place") }
    return sequence.map { ConfigNode($0, file) }
  }

  func string() throws(KubeError) -> String {
    guard case .scalar(let scalar) = node else { throw error("a string is expected here", "correct this place") }
    return scalar.string
  }

  /// Returns the string; an empty one counts as absent, as for kubectl.
  func nonEmpty() throws(KubeError) -> String? {
    let text = try string()
    return text.isEmpty ? nil : text
  }

  func strings() throws(KubeError) -> [String] {
    var strings: [String] = []
    for element in try elements() { strings.append(try element.string()) }
    return strings
  }

  func bool() throws(KubeError) -> Bool {
    switch try string() {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    case let other: throw error("'\(other)' is neither true nor false", "correct this place")
    }
  }

  /// The value as JSON, plain scalars by YAML's core schema.
  var json: JSONValue {
    switch node {
    case .mapping(let mapping):
      .object(
        Dictionary(
          mapping.map { ($0.key.scalar?.string ?? "", ConfigNode($0.value, file).json) },
          uniquingKeysWith: { first, _ in first }))
    case .sequence(let sequence): .array(sequence.map { ConfigNode($0, file).json })
    case .scalar(let scalar):
      if isNull {
        .null
      } else if scalar.style == .plain, let bool = node.bool {
        .bool(bool)
      } else if scalar.style == .plain, let int = node.int {
        .int(Int64(int))
      } else if scalar.style == .plain, let float = node.float, float.isFinite {
        // JSON has no infinity, and `sleep infinity` means the word.
        .double(float)
      } else {
        .string(scalar.string)
      }
    case .alias: .null
    }
  }
}
