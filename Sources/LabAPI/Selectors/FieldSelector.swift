import KubeObjects

/// The `fieldSelector` parameter: `a.b=c,d!=e` over the few fields that a kind allows.
struct FieldSelector: Sendable {
  private struct Requirement: Sendable {
    var path: [String]
    var value: String
    var isNegated: Bool
  }

  private var requirements: [Requirement] = []

  var isEmpty: Bool { requirements.isEmpty }

  /// The one name that can match, where the selector says so.
  var name: String? { requirements.first { !$0.isNegated && $0.path == ["metadata", "name"] }?.value }

  /// - Throws: `StatusError` (400) for what is no selector or names a field that this kind cannot be selected by.
  init(parsing text: String, for kind: ResourceKind) throws {
    for term in text.split(separator: ",") {
      guard let equals = term.firstIndex(of: "="), equals > term.startIndex else {
        throw StatusError.badRequest("invalid field selector: \"\(term)\": expected FIELD=VALUE or FIELD!=VALUE")
      }
      let isNegated = term[term.index(before: equals)] == "!"
      let field = isNegated ? term[..<term.index(before: equals)] : term[..<equals]
      guard field == "metadata.name" || field == "metadata.namespace" || kind.selectableFields.contains(String(field))
      else {
        throw StatusError.badRequest("field label not supported: \(field)")
      }
      let value = term[term.index(after: equals)...].drop { $0 == "=" }
      requirements.append(
        Requirement(path: field.split(separator: ".").map(String.init), value: String(value), isNegated: isNegated))
    }
  }

  func matches(_ object: JSONValue) -> Bool {
    requirements.allSatisfy { requirement in
      let found = requirement.path.reduce(Optional(object)) { $0?[$1] }
      return (Self.text(found) == requirement.value) != requirement.isNegated
    }
  }

  /// Returns a field's text in a selector: empty if it is absent.
  private static func text(_ value: JSONValue?) -> String {
    switch value {
    case .string(let text): text
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    default: ""
    }
  }
}

/// The filter of a list or watch: labels and fields together.
struct ObjectFilter: Sendable {
  var namespace: String?
  var labels: LabelSelector
  var fields: FieldSelector

  func matches(_ object: JSONValue) -> Bool {
    (namespace == nil || object.namespace == namespace) && labels.matches(object.labels) && fields.matches(object)
  }
}
