import KubeObjects

/// `metadata.managedFields` in a simple form: who last changed which field, by comparing an object before and after a write.
///
/// Lists are one field each. That is enough to say who changed a Service's selector, and too little for server-side apply.
enum ManagedFields {
  /// Notes the writer of what differs. Fields that were somebody else's become the writer's.
  static func record(from old: JSONValue?, to object: inout JSONValue, by manager: String, subresource: String?) {
    let changed = difference(content(old ?? [:]), content(object))
    guard case .object(let fields) = changed, !fields.isEmpty else { return }
    var entries = (old?[path: "metadata", "managedFields"]?.elements ?? []).compactMap { entry -> JSONValue? in
      var entry = entry
      guard let rest = without(changed, entry["fieldsV1"] ?? [:]) else { return nil }
      entry["fieldsV1"] = rest
      return entry
    }
    let isWriter: (JSONValue) -> Bool = { $0["manager"]?.stringValue == manager && $0["subresource"]?.stringValue == subresource }
    let before = entries.first(where: isWriter)?["fieldsV1"] ?? [:]
    entries.removeAll(where: isWriter)
    var entry: JSONValue = [
      "manager": .string(manager), "operation": "Update", "apiVersion": object["apiVersion"] ?? "v1", "time": .string(Timestamp.now()),
      "fieldsType": "FieldsV1", "fieldsV1": MergePatch.apply(changed, to: before),
    ]
    entry["subresource"] = subresource.map { .string($0) }
    object[path: "metadata", "managedFields"] = .array(entries + [entry])
  }

  /// The object without what only the system writes.
  private static func content(_ object: JSONValue) -> JSONValue {
    var object = object
    object["apiVersion"] = nil
    object["kind"] = nil
    for field in [
      "managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "name", "namespace", "generateName", "deletionTimestamp",
      "deletionGracePeriodSeconds",
    ] where object["metadata"] != nil {
      object[path: "metadata", field] = nil
    }
    return object
  }

  /// The fields that differ, as a tree of `f:` keys.
  private static func difference(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
    var fields: [String: JSONValue] = [:]
    let members = new.objectValue ?? [:]
    for key in Set(members.keys).union((old.objectValue ?? [:]).keys) where members[key] != old[key] {
      let value = members[key]
      let isMap = value?.objectValue?.isEmpty == false
      fields["f:" + key] = isMap ? difference(old[key] ?? [:], value ?? [:]) : [:]
    }
    return .object(fields)
  }

  /// A tree without the leaves of another; nil where nothing is left.
  private static func without(_ removed: JSONValue, _ fields: JSONValue) -> JSONValue? {
    guard case .object(let members) = fields, case .object(let gone) = removed else { return fields }
    var rest: [String: JSONValue] = [:]
    for (key, value) in members {
      guard let match = gone[key] else {
        rest[key] = value
        continue
      }
      if match.objectValue?.isEmpty != false || value.objectValue?.isEmpty != false { continue }
      rest[key] = without(match, value)
    }
    return rest.isEmpty ? nil : .object(rest)
  }
}
