import KubeObjects

/// A choice of objects by their labels: the `labelSelector` parameter, or a `LabelSelector` object.
struct LabelSelector: Sendable, Equatable {
  enum Operation: String, Sendable {
    case isIn = "In"
    case notIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
  }

  struct Requirement: Sendable, Equatable {
    var key: String
    var operation: Operation
    var values: Set<String>

    func matches(_ labels: [String: String]) -> Bool {
      switch operation {
      case .isIn: labels[key].map(values.contains) ?? false
      case .notIn: labels[key].map { !values.contains($0) } ?? true
      case .exists: labels[key] != nil
      case .doesNotExist: labels[key] == nil
      }
    }
  }

  var requirements: [Requirement] = []

  /// No requirement: every object matches.
  var isEmpty: Bool { requirements.isEmpty }

  func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }

  /// A plain map, as a Service's selector is.
  init(labels: [String: String]) {
    requirements = labels.sorted { $0.key < $1.key }.map {
      Requirement(key: $0.key, operation: .isIn, values: [$0.value])
    }
  }

  /// A `LabelSelector` object: `matchLabels` and `matchExpressions`.
  init(object: JSONValue?) {
    self.init(labels: object?["matchLabels"]?.stringMap ?? [:])
    for expression in object?["matchExpressions"]?.elements ?? [] {
      guard let key = expression["key"]?.stringValue, let name = expression["operator"]?.stringValue,
        let operation = Operation(rawValue: name)
      else { continue }
      let values = Set((expression["values"]?.elements ?? []).compactMap(\.stringValue))
      requirements.append(Requirement(key: key, operation: operation, values: values))
    }
  }

  /// The form of the `labelSelector` parameter: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
  /// - Throws: `StatusError` (400) for what is no selector.
  init(parsing text: String) throws {
    requirements = try Self.terms(of: text).map(Self.requirement)
  }

  /// The selector as the parameter's text: what the `scale` subresource and kubectl show.
  var text: String {
    requirements.map { requirement in
      let values = requirement.values.sorted()
      return switch requirement.operation {
      case .isIn where values.count == 1: "\(requirement.key)=\(values[0])"
      case .isIn: "\(requirement.key) in (\(values.joined(separator: ",")))"
      case .notIn where values.count == 1: "\(requirement.key)!=\(values[0])"
      case .notIn: "\(requirement.key) notin (\(values.joined(separator: ",")))"
      case .exists: requirement.key
      case .doesNotExist: "!\(requirement.key)"
      }
    }.joined(separator: ",")
  }

  /// Splits at the commas that are not inside a set's parentheses.
  private static func terms(of text: String) -> [Substring] {
    var depth = 0
    let terms = text.split(omittingEmptySubsequences: true) { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return character == "," && depth == 0
    }
    return terms.map(trim).filter { !$0.isEmpty }
  }

  private static func requirement(_ term: Substring) throws -> Requirement {
    if term.first == "!", !term.contains("=") {
      return Requirement(key: String(trim(term.dropFirst())), operation: .doesNotExist, values: [])
    }
    if let equals = term.firstIndex(of: "=") {
      let isNegated = equals > term.startIndex && term[term.index(before: equals)] == "!"
      let key = trim(isNegated ? term[..<term.index(before: equals)] : term[..<equals])
      let value = trim(term[term.index(after: equals)...].drop { $0 == "=" })
      guard !key.isEmpty else {
        throw StatusError.badRequest("unable to parse requirement: \(term): a key is missing before the operator")
      }
      return Requirement(key: String(key), operation: isNegated ? .notIn : .isIn, values: [String(value)])
    }
    guard let open = term.firstIndex(of: "("), term.last == ")" else {
      guard !term.contains(" ") else { throw StatusError.badRequest("unable to parse requirement: \(term)") }
      return Requirement(key: String(term), operation: .exists, values: [])
    }
    let words = term[..<open].split(separator: " ")
    let operations: [Substring: Operation] = ["in": .isIn, "notin": .notIn]
    guard words.count == 2, let operation = operations[words[1]] else {
      throw StatusError.badRequest("unable to parse requirement: \(term): expected KEY in (…) or KEY notin (…)")
    }
    let values = term[term.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    return Requirement(key: String(words[0]), operation: operation, values: Set(values.map { String(trim($0)) }))
  }

  private static func trim(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }
}
