import KubeObjects

/// A set of an object's fields, as a tree: what one manager owns.
struct FieldSet: Sendable, Equatable {
  /// True if the field at this path is itself in the set, and not only fields below it.
  var isMember = false
  /// Never holds an empty set.
  private(set) var children: [FieldStep: FieldSet] = [:]

  init(isMember: Bool = false) { self.isMember = isMember }

  /// A single field.
  static let leaf = FieldSet(isMember: true)

  var isEmpty: Bool { !isMember && children.isEmpty }

  subscript(step: FieldStep) -> FieldSet {
    get { children[step] ?? FieldSet() }
    set { children[step] = newValue.isEmpty ? nil : newValue }
  }

  // MARK: As sets

  func union(_ other: FieldSet) -> FieldSet {
    var result = FieldSet(isMember: isMember || other.isMember)
    result.children = children.merging(other.children) { $0.union($1) }
    return result
  }

  func intersection(_ other: FieldSet) -> FieldSet {
    var result = FieldSet(isMember: isMember && other.isMember)
    for (step, child) in children { result[step] = child.intersection(other[step]) }
    return result
  }

  func subtracting(_ other: FieldSet) -> FieldSet {
    var result = FieldSet(isMember: isMember && !other.isMember)
    for (step, child) in children { result[step] = child.subtracting(other[step]) }
    return result
  }

  /// The paths of all fields in the set, as Kubernetes' messages write them.
  var paths: [String] { paths(below: "") }

  private func paths(below path: String) -> [String] {
    (isMember ? [path] : []) + children.sorted { $0.key < $1.key }.flatMap { $0.value.paths(below: path + $0.key.text) }
  }

  // MARK: FieldsV1

  /// Reads a set, and leaves out members that cannot be read.
  init(fieldsV1 json: JSONValue) {
    for (key, value) in json.objectValue ?? [:] {
      if key == "." {
        isMember = true
      } else if let step = FieldStep(fieldsV1: key) {
        self[step] = value.objectValue?.isEmpty != false ? .leaf : FieldSet(fieldsV1: value)
      }
    }
  }

  var fieldsV1: JSONValue {
    var members = Dictionary(uniqueKeysWithValues: children.map { ($0.key.fieldsV1, $0.value.fieldsV1) })
    if isMember, !children.isEmpty { members["."] = [:] }
    return .object(members)
  }
}
