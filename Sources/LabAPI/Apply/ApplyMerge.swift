import KubeObjects

/// The merge of server-side apply on an object's fields.
enum ApplyMerge {
  /// The applied value laid over the live one.
  static func merge(_ applied: JSONValue, into live: JSONValue?, _ schema: MergeSchema) -> JSONValue {
    guard let live, case .container(let items, let isMap) = FieldShape(applied, schema),
      case .container(let old, isMap) = FieldShape(live, schema)
    else { return applied }
    let before = Dictionary(old.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 })
    let merged = Dictionary(
      items.map { ($0.step, merge($0.value, into: before[$0.step], FieldShape.schema($0.step, in: schema))) },
      uniquingKeysWith: { $1 })
    guard isMap else {
      return .array(order(old.map(\.step), items.map(\.step)).compactMap { merged[$0] ?? before[$0] })
    }
    var result = live
    for case (.field(let name), let value) in merged { result[name] = value }
    return result
  }

  /// The applied order; elements that only the live list has keep their place between their neighbours.
  private static func order(_ live: [FieldStep], _ applied: [FieldStep]) -> [FieldStep] {
    let wanted = Set(applied)
    var result: [FieldStep] = []
    var (rest, coming) = (live[...], applied[...])
    while !rest.isEmpty || !coming.isEmpty {
      if let first = rest.first, !wanted.contains(first) {
        result.append(rest.removeFirst())
      } else if let next = coming.popFirst() {
        result.append(next)
        if rest.first == next {
          rest.removeFirst()
        } else if let index = rest.firstIndex(of: next) {
          rest.remove(at: index)
        }
      }
    }
    return result
  }

  /// Removes the fields that a manager no longer applies and that no other one owns. Members without an owner go with
  /// them, such as defaults below a map that has no owner left.
  /// - Parameters:
  ///   - last: what the manager had applied before.
  ///   - owned: all fields that have a manager now, the manager's new fields included.
  static func prune(_ value: JSONValue, last: FieldSet, owned: FieldSet, _ schema: MergeSchema) -> JSONValue {
    guard !last.isEmpty, case .container(let items, let isMap) = FieldShape(value, schema) else { return value }
    let kept = items.compactMap { step, child -> (step: FieldStep, value: JSONValue)? in
      let (last, owned) = (last[step], owned[step])
      guard !last.isEmpty else { return (step, child) }
      // An element of a list stays as long as the element has an owner; a map as long as anything in it has one.
      if isMap ? owned.isEmpty : last.isMember && !owned.isMember { return nil }
      return (step, prune(child, last: last, owned: owned, FieldShape.schema(step, in: schema)))
    }
    guard isMap else { return .array(kept.map(\.value)) }
    var members: [String: JSONValue] = [:]
    for case (.field(let name), let child) in kept { members[name] = child }
    return .object(members)
  }
}
