import KubeObjects

/// The fields that differ between two states of an object.
struct FieldComparison: Equatable {
  var added = FieldSet()
  var modified = FieldSet()
  var removed = FieldSet()

  /// The fields that a writer of the new state has set.
  var written: FieldSet { added.union(modified) }

  init(from old: JSONValue, to new: JSONValue, _ schema: MergeSchema) {
    self.init(old, new, schema, at: nil)
    (added.isMember, removed.isMember) = (false, false)
  }

  private init(_ old: JSONValue?, _ new: JSONValue?, _ schema: MergeSchema, at place: FieldStep?) {
    if old == new { return }
    guard let before = Self.items(old, schema), let after = Self.items(new, schema), !(before.isEmpty && after.isEmpty)
    else {
      if old == nil { added = .leaf } else if new == nil { removed = .leaf } else { modified = .leaf }
      return
    }
    for step in Set(before.keys).union(after.keys) {
      let below = FieldComparison(before[step], after[step], FieldShape.schema(step, in: schema), at: step)
      added[step] = below.added
      modified[step] = below.modified
      removed[step] = below.removed
    }
    if old == nil, !Self.isAlwaysThere(place) { added.isMember = true }
    if new == nil { removed.isMember = true }
  }

  /// The fields in a value, none for an absent one; nil: it is one field itself.
  private static func items(_ value: JSONValue?, _ schema: MergeSchema) -> [FieldStep: JSONValue]? {
    guard let value else { return [:] }
    guard case .container(let items, _) = FieldShape(value, schema) else { return nil }
    return Dictionary(items.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 })
  }

  /// Kubernetes' own types write these even when nothing in them was set, so they have no manager.
  private static func isAlwaysThere(_ step: FieldStep?) -> Bool {
    guard case .field(let name)? = step else { return false }
    return ["metadata", "spec", "status", "template", "strategy", "containers"].contains(name)
  }
}
