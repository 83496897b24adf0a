/// Describes a value as Swift does, but sets and dictionaries in their order, so that a schedule's log is the same in
/// each process.
func describe(_ value: Any) -> String {
  let mirror = Mirror(reflecting: value)
  func fields() -> String {
    mirror.children.map { child in
      (child.label.map { $0.hasPrefix(".") ? "" : "\($0): " } ?? "") + describe(child.value)
    }
    .joined(separator: ", ")
  }
  switch mirror.displayStyle {
  case .set, .dictionary: return "[" + mirror.children.map { describe($0.value) }.sorted().joined(separator: ", ") + "]"
  case .collection: return "[" + mirror.children.map { describe($0.value) }.joined(separator: ", ") + "]"
  case .tuple: return mirror.children.count == 1 ? fields() : "(\(fields()))"
  case .optional: return mirror.children.first.map { describe($0.value) } ?? "nil"
  case .enum:
    guard let payload = mirror.children.first, let name = payload.label else { return "\(value)" }
    let inner = describe(payload.value)
    return inner.hasPrefix("(") ? name + inner : "\(name)(\(inner))"
  case .struct where !(value is Duration):
    return mirror.children.isEmpty ? "\(value)" : "\(mirror.subjectType)(\(fields()))"
  default: return "\(value)"
  }
}
