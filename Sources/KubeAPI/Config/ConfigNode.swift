import Inputs
import KubeObjects

/// A value in a kubeconfig, with its position for errors.
struct ConfigNode {
  private let content: YAMLValue.Content
  private let mark: YAMLMark?
  let file: String

  /// - Returns: nil for an empty file.
  /// - Throws: `KubeError.config` with the position where the text stops being YAML.
  init?(parsing text: String, file: String) throws(KubeError) {
    let documents = try Self.documents(parsing: text, file: file)
    guard let root = documents.first else { return nil }
    if documents.count > 1 { throw documents[1].error("it has a second document", "keep one of them") }
    self = root
    if isNull { return nil }
    guard case .mapping = content else {
      throw error("it is not a kubeconfig", "a kubeconfig is a mapping with clusters, users and contexts")
    }
  }

  /// Reads the root value of each document, empty ones included.
  static func documents(parsing text: String, file: String) throws(KubeError) -> [ConfigNode] {
    let documents: [ConfigNode]
    do throws(YAMLProblem) { documents = try YAMLText.read(text).map { ConfigNode($0, file) } } catch {
      throw .config(
        file: file, line: error.line, column: error.column,
        problem: error.kind == .refused ? error.message : "it is not YAML: \(error.message)",
        remedy: error.remedy ?? "correct this place")
    }
    for document in documents { try document.checkKeys() }
    return documents
  }

  private init(_ value: YAMLValue, _ file: String) {
    self.init(content: value.content, mark: value.mark, file: file)
  }

  private init(content: YAMLValue.Content, mark: YAMLMark?, file: String) {
    self.content = content
    self.mark = mark
    self.file = file
  }

  /// Refuses a key that appears twice in its mapping: two readers may take different ones.
  private func checkKeys() throws(KubeError) {
    switch content {
    case .scalar: break
    case .sequence(let elements): for element in elements { try ConfigNode(element, file).checkKeys() }
    case .mapping(let entries):
      for entry in entries {
        if let last = entry.last {
          throw .config(
            file: file, line: last.line, column: last.column, problem: "the key '\(entry.key)' appears twice",
            remedy: "keep one of them")
        }
        try ConfigNode(entry.value, file).checkKeys()
      }
    }
  }

  var line: Int? { mark?.line }
  var empty: ConfigNode { ConfigNode(content: .mapping([]), mark: nil, file: file) }

  private var isNull: Bool {
    guard case .scalar(let text, true) = content else { return false }
    return YAMLScalar.isNull(text)
  }

  func error(_ problem: String, _ remedy: String) -> KubeError {
    .config(file: file, line: mark?.line, column: mark?.column, problem: problem, remedy: remedy)
  }

  /// A member that exists and is not null.
  subscript(key: String) -> ConfigNode? {
    get throws(KubeError) {
      guard case .mapping(let entries) = content else {
        throw error("a mapping with '\(key)' is expected here", "correct this place")
      }
      guard let entry = entries.first(where: { $0.key == key }) else { return nil }
      let found = ConfigNode(entry.value, file)
      return found.isNull ? nil : found
    }
  }

  func members() throws(KubeError) -> [(String, ConfigNode)] {
    guard case .mapping(let entries) = content else { throw error("a mapping is expected here", "correct this place") }
    return entries.map { ($0.key, ConfigNode($0.value, file)) }
  }

  func elements() throws(KubeError) -> [ConfigNode] {
    guard case .sequence(let elements) = content else { throw error("a list is expected here", "correct this place") }
    return elements.map { ConfigNode($0, file) }
  }

  func string() throws(KubeError) -> String {
    guard case .scalar(let text, _) = content else { throw error("a string is expected here", "correct this place") }
    return text
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

  /// The value as JSON, plain scalars by kubectl's rules.
  var json: JSONValue {
    switch content {
    case .scalar(let text, let isPlain): isPlain ? YAMLScalar.value(text) : .string(text)
    case .sequence(let elements): .array(elements.map { ConfigNode($0, file).json })
    case .mapping(let entries):
      .object(
        Dictionary(entries.map { ($0.key, ConfigNode($0.value, file).json) }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
