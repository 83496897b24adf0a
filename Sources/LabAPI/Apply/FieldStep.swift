import KubeObjects

/// One step of a path to a field, as server-side apply counts fields (Kubernetes: "FieldsV1").
enum FieldStep: Hashable, Sendable {
  /// A member of a map: `f:name`.
  case field(String)
  /// The element of a list with these members: `k:{"name":"main"}`.
  case key(JSONValue)
  /// A value of a set: `v:"example.com/finalizer"`.
  case value(JSONValue)

  /// nil for what a list never has here (`i:`, an index) and for what is no step.
  init?(fieldsV1 text: String) {
    let rest = String(text.dropFirst(2))
    switch text.prefix(2) {
    case "f:": self = .field(rest)
    case "k:":
      guard let members = try? JSONValue(parsing: rest), members.objectValue != nil else { return nil }
      self = .key(members)
    case "v:":
      guard let value = try? JSONValue(parsing: rest) else { return nil }
      self = .value(value)
    default: return nil
    }
  }

  var fieldsV1: String {
    switch self {
    case .field(let name): "f:" + name
    case .key(let members): "k:\(members)"
    case .value(let value): "v:\(value)"
    }
  }

  /// As messages write it: `.spec`, `[name="main"]`, `[="value"]`.
  var text: String {
    switch self {
    case .field(let name): "." + name
    case .key(let members):
      "["
        + (members.objectValue ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        + "]"
    case .value(let value): "[=\(value)]"
    }
  }
}

extension FieldStep: Comparable {
  private var rank: Int {
    switch self {
    case .field: 0
    case .key: 1
    case .value: 2
    }
  }

  static func < (left: FieldStep, right: FieldStep) -> Bool { (left.rank, left.text) < (right.rank, right.text) }
}
