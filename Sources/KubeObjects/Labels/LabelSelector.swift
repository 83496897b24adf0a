/// A choice of objects by their labels (Kubernetes API, `LabelSelector`). Without requirements it selects everything.
public struct LabelSelector: Sendable, Hashable {
  public enum Operator: String, Sendable {
    case `in` = "In"
    /// Also true for an object that lacks the key.
    case notIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
  }

  public struct Requirement: Sendable, Hashable {
    public let key: String
    public let `operator`: Operator
    /// Values for `in` and `notIn`, none for the others.
    public let values: [String]

    public init(_ key: String, _ operator: Operator, _ values: [String] = []) {
      self.key = key
      self.operator = `operator`
      self.values = values
    }

    public func matches(_ labels: [String: String]) -> Bool {
      switch `operator` {
      case .in: labels[key].map(values.contains) ?? false
      case .notIn: labels[key].map { !values.contains($0) } ?? true
      case .exists: labels[key] != nil
      case .doesNotExist: labels[key] == nil
      }
    }
  }

  /// The reason that a selector cannot be read, as text for users.
  public struct ParseError: Error, Hashable, CustomStringConvertible {
    public let message: String
    public var description: String { message }
  }

  public var requirements: [Requirement]

  public init(_ requirements: [Requirement] = []) { self.requirements = requirements }

  /// Requires exactly this value for each label: a Service's selector, or `matchLabels`.
  public init(matchLabels: [String: String]) {
    requirements = matchLabels.sorted { $0.key < $1.key }.map { Requirement($0.key, .in, [$0.value]) }
  }

  /// Reads `matchLabels` and `matchExpressions` of a workload's or NetworkPolicy's selector.
  /// - Throws: `ParseError` for an operator that Kubernetes does not have.
  public init(json: JSONValue) throws(ParseError) {
    self.init(matchLabels: json["matchLabels"]?.stringMap ?? [:])
    for expression in json["matchExpressions"]?.elements ?? [] {
      let name = expression["operator"]?.stringValue ?? ""
      guard let key = expression["key"]?.stringValue, let found = Operator(rawValue: name) else {
        throw ParseError(message: "'\(name)' is not an operator of a label selector: In, NotIn, Exists or DoesNotExist")
      }
      requirements.append(Requirement(key, found, expression["values"]?.elements.compactMap(\.stringValue) ?? []))
    }
  }

  public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }

  /// The selector as a member of an object: single values under `matchLabels`, the rest under `matchExpressions`.
  public var json: JSONValue {
    var labels: [String: String] = [:]
    var expressions: [JSONValue] = []
    for requirement in requirements {
      if requirement.operator == .in, requirement.values.count == 1, labels[requirement.key] == nil {
        labels[requirement.key] = requirement.values[0]
      } else {
        var expression: JSONValue = [
          "key": JSONValue(requirement.key), "operator": JSONValue(requirement.operator.rawValue),
        ]
        if !requirement.values.isEmpty { expression["values"] = .array(requirement.values.map { JSONValue($0) }) }
        expressions.append(expression)
      }
    }
    var result: JSONValue = [:]
    if !labels.isEmpty { result["matchLabels"] = JSONValue(labels) }
    if !expressions.isEmpty { result["matchExpressions"] = .array(expressions) }
    return result
  }
}
