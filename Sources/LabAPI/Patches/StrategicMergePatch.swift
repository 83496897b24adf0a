import KubeObjects

/// Kubernetes' strategic merge patch: a merge patch that knows which lists are sets of named things.
///
/// Directives: `$patch: delete|replace|merge` in maps and list elements, `$retainKeys`, `$setElementOrder/LIST`,
/// `$deleteFromPrimitiveList/LIST`. Source: "Strategic Merge Patch" in Kubernetes' API machinery documentation.
enum StrategicMergePatch {
  /// - Throws: `PatchError.Code.malformed` for a directive of the wrong shape.
  static func apply(_ patch: JSONValue, to object: JSONValue, _ schema: MergeSchema) throws -> JSONValue {
    guard patch.objectValue != nil else { throw PatchError(.malformed, "a strategic merge patch is an object") }
    return .object(try mergeMaps(patch.objectValue ?? [:], into: object.objectValue ?? [:], schema))
  }

  // MARK: Maps

  private static func mergeMaps(
    _ patch: [String: JSONValue], into target: [String: JSONValue], _ schema: MergeSchema
  ) throws -> [String: JSONValue] {
    switch patch["$patch"] {
    case "replace": return withoutDirectives(patch)
    case "delete": return [:]
    case nil, "merge": break
    case let other?: throw PatchError(.malformed, "unknown $patch directive \(other)")
    }
    var result = target
    if let retained = patch["$retainKeys"] {
      let keys = Set(retained.elements.compactMap(\.stringValue))
      guard withoutDirectives(patch).keys.allSatisfy(keys.contains) else {
        throw PatchError(.malformed, "$retainKeys must name every member that the patch sets")
      }
      result = result.filter { keys.contains($0.key) }
    }
    for (key, change) in patch {
      if let list = key.suffix(afterPrefix: "$deleteFromPrimitiveList/") {
        let gone = change.elements
        result[list] = result[list].map { .array($0.elements.filter { !gone.contains($0) }) }
      } else if !key.hasPrefix("$") {
        result[key] = try merged(change, into: result[key], schema.member(key))
      }
    }
    for (key, order) in patch {
      guard let list = key.suffix(afterPrefix: "$setElementOrder/"), let elements = result[list]?.arrayValue else {
        continue
      }
      result[list] = .array(ordered(elements, order.elements, schema.member(list)))
    }
    return result
  }

  /// Returns one member after the change; nil: it is removed.
  private static func merged(_ change: JSONValue, into current: JSONValue?, _ schema: MergeSchema) throws -> JSONValue?
  {
    switch change {
    case .null: return nil
    case .object(let members):
      if members["$patch"] == "delete" { return nil }
      return .object(try mergeMaps(members, into: current?.objectValue ?? [:], schema))
    case .array(let elements):
      if let key = schema.mergeKey {
        return .array(try mergeLists(elements, into: current?.elements ?? [], by: key, schema))
      }
      guard schema.mergesValues else { return change }
      return .array(elements.reduce(into: current?.elements ?? []) { if !$0.contains($1) { $0.append($1) } })
    default: return change
    }
  }

  private static func withoutDirectives(_ members: [String: JSONValue]) -> [String: JSONValue] {
    members.filter { !$0.key.hasPrefix("$") }
  }

  // MARK: Lists

  private static func mergeLists(
    _ patch: [JSONValue], into target: [JSONValue], by key: String, _ schema: MergeSchema
  ) throws -> [JSONValue] {
    if patch.contains(where: { $0["$patch"] == "replace" }) { return patch.filter { $0["$patch"] == nil } }
    var result = target
    for element in patch {
      guard let identity = element[key] else {
        if element["$patch"] == "delete" { continue }
        throw PatchError(.malformed, "an element of a merged list lacks its key \"\(key)\": \(element)")
      }
      let index = result.firstIndex { $0[key] == identity }
      if element["$patch"] == "delete" {
        result.removeAll { $0[key] == identity }
      } else if let merged = try merged(element, into: index.map { result[$0] }, schema.element) {
        if let index { result[index] = merged } else { result.append(merged) }
      }
    }
    return result
  }

  /// Puts a list into the order that a patch gives; elements that the order does not name (another writer's) keep their
  /// place behind the element that they followed.
  private static func ordered(_ elements: [JSONValue], _ order: [JSONValue], _ schema: MergeSchema) -> [JSONValue] {
    func identity(_ element: JSONValue) -> JSONValue { schema.mergeKey.flatMap { element[$0] } ?? element }
    let positions = Dictionary(
      order.enumerated().map { (identity($0.element), $0.offset) }, uniquingKeysWith: { first, _ in first })
    var groups: [(position: Int, elements: [JSONValue])] = []
    for element in elements {
      if let position = positions[identity(element)] {
        groups.append((position, [element]))
      } else if groups.isEmpty {
        groups.append((-1, [element]))
      } else {
        groups[groups.count - 1].elements.append(element)
      }
    }
    return groups.sorted { $0.position < $1.position }.flatMap(\.elements)
  }
}

extension String {
  fileprivate func suffix(afterPrefix prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
