import KubeObjects

/// A value as server-side apply sees it: one field, or a container of fields.
enum FieldShape {
  case leaf
  case container([(step: FieldStep, value: JSONValue)], isMap: Bool)

  /// A list whose elements cannot be distinguished is one field.
  init(_ value: JSONValue, _ schema: MergeSchema) {
    switch value {
    case .object(let members) where !schema.isAtomic:
      self = .container(members.map { (.field($0.key), $0.value) }, isMap: true)
    case .array(let elements):
      let steps = elements.map { Self.step($0, in: schema) }
      let known = steps.compactMap { $0 }
      self =
        known.count == elements.count && Set(known).count == known.count && schema.hasElements
        ? .container(Array(zip(known, elements)), isMap: false) : .leaf
    default: self = .leaf
    }
  }

  /// Returns the name of a list's element; nil if it lacks a key.
  static func step(_ element: JSONValue, in schema: MergeSchema) -> FieldStep? {
    if schema.mergesValues { return .value(element) }
    var members: [String: JSONValue] = [:]
    for key in schema.listKeys {
      guard let value = element[key.name] ?? key.fallback else { return nil }
      members[key.name] = value
    }
    return members.isEmpty ? nil : .key(.object(members))
  }

  /// The schema at the end of a step.
  static func schema(_ step: FieldStep, in schema: MergeSchema) -> MergeSchema {
    switch step {
    case .field(let name): schema.member(name)
    case .key: schema.element
    case .value: .plain
    }
  }
}

extension MergeSchema {
  /// True if server-side apply counts a list's elements, and not the list.
  var hasElements: Bool { mergesValues || !listKeys.isEmpty }
}

extension FieldSet {
  /// Every field that a value sets.
  init(of value: JSONValue, _ schema: MergeSchema) {
    guard case .container(let items, let isMap) = FieldShape(value, schema) else {
      self.init(isMember: true)
      return
    }
    self.init()
    for (step, child) in items {
      var fields = FieldSet(of: child, FieldShape.schema(step, in: schema))
      if !isMap || child.objectValue?.isEmpty == true { fields.isMember = true }
      self[step] = fields
    }
  }
}
