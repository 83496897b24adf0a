import KubeObjects

/// `metadata.managedFields`: who has set which field, and by which operation.
struct ManagedFields: Sendable {
  enum Operation: String, Sendable {
    case apply = "Apply"
    case update = "Update"
  }

  struct Entry: Sendable {
    var manager: String
    var operation: Operation
    var apiVersion: String
    var subresource: String?
    var time: String?
    var fields: FieldSet

    func isApply(by name: String) -> Bool { manager == name && operation == .apply && subresource == nil }
  }

  private(set) var entries: [Entry] = []

  init(of object: JSONValue) {
    entries = (object[path: "metadata", "managedFields"]?.elements ?? []).compactMap { json in
      guard let manager = json["manager"]?.stringValue,
        let operation = json["operation"]?.stringValue.flatMap(Operation.init)
      else { return nil }
      return Entry(
        manager: manager, operation: operation, apiVersion: json["apiVersion"]?.stringValue ?? "",
        subresource: json["subresource"]?.stringValue,
        time: json["time"]?.stringValue, fields: FieldSet(fieldsV1: json["fieldsV1"] ?? [:]))
    }
  }

  /// Writes the entries into an object; whose fields have changed since `old` gets the present as its time.
  func write(to object: inout JSONValue, since old: ManagedFields) {
    let list = entries.sorted {
      ($0.operation.rawValue, $0.time ?? "~", $0.manager) < ($1.operation.rawValue, $1.time ?? "~", $1.manager)
    }
    object[path: "metadata", "managedFields"] =
      list.isEmpty ? Optional.none : .array(list.map { $0.json(since: old.entry(like: $0)) })
  }

  /// Returns true if both have the same fields, at whatever times they were written.
  func isSame(as other: ManagedFields) -> Bool {
    entries.count == other.entries.count && entries.allSatisfy { other.entry(like: $0)?.fields == $0.fields }
  }

  private func entry(like entry: Entry) -> Entry? {
    entries.first {
      $0.manager == entry.manager && $0.operation == entry.operation && $0.subresource == entry.subresource
    }
  }

  // MARK: Ownership

  /// All fields that have a manager.
  var union: FieldSet { entries.reduce(FieldSet()) { $0.union($1.fields) } }

  func fields(of manager: String, _ operation: Operation, subresource: String? = nil) -> FieldSet {
    entries.first { $0.manager == manager && $0.operation == operation && $0.subresource == subresource }?.fields
      ?? FieldSet()
  }

  /// Gives a manager exactly these fields; with none it is forgotten.
  mutating func set(
    _ fields: FieldSet, of manager: String, _ operation: Operation, subresource: String? = nil, apiVersion: String
  ) {
    entries.removeAll { $0.manager == manager && $0.operation == operation && $0.subresource == subresource }
    guard !fields.isEmpty else { return }
    entries.append(
      Entry(
        manager: manager, operation: operation, apiVersion: apiVersion, subresource: subresource, time: nil,
        fields: fields))
  }

  /// Takes fields away from some managers; who has none left is forgotten.
  mutating func take(_ fields: FieldSet, from isAffected: (Entry) -> Bool) {
    entries = entries.compactMap { entry in
      guard isAffected(entry) else { return entry }
      var entry = entry
      entry.fields = entry.fields.subtracting(fields)
      return entry.fields.isEmpty ? nil : entry
    }
  }

  /// The fields of other managers that an apply would set to another value.
  func conflicts(with written: FieldSet, besides manager: String) -> [FieldConflict] {
    entries.filter { !$0.isApply(by: manager) }.sorted { $0.name < $1.name }.flatMap { entry in
      entry.fields.intersection(written).paths.map { FieldConflict(manager: entry.name, path: $0) }
    }
  }

  /// The fields of an object that has no managers become `before-first-apply`'s, so that they are not lost unnoticed.
  mutating func adoptOrphans(of object: JSONValue, _ schema: MergeSchema) {
    guard entries.isEmpty else { return }
    set(
      FieldSet(of: Self.content(object), schema), of: "before-first-apply", .update,
      apiVersion: object["apiVersion"]?.stringValue ?? "v1")
  }

  // MARK: Other writes than apply

  /// Notes the writer of the fields that differ. Fields of another manager become the writer's.
  static func record(
    from old: JSONValue?, to object: inout JSONValue, by manager: String, subresource: String?, _ kind: ResourceKind
  ) {
    let comparison = FieldComparison(from: content(old ?? [:]), to: content(object), MergeSchema.schema(for: kind))
    let before = ManagedFields(of: old ?? [:])
    // A writer may hand in other managers, as kubectl does when an object goes over to server-side apply; none means
    // that it does not care.
    var managed = ManagedFields(of: object)
    if managed.entries.isEmpty { managed = before }
    let own = managed.fields(of: manager, .update, subresource: subresource).subtracting(comparison.removed).union(
      comparison.written)
    managed.take(comparison.written.union(comparison.removed)) { _ in true }
    managed.set(own, of: manager, .update, subresource: subresource, apiVersion: kind.apiVersion)
    if managed.isSame(as: before) {
      object[path: "metadata", "managedFields"] = old?[path: "metadata", "managedFields"]
    } else {
      managed.write(to: &object, since: before)
    }
  }

  /// The object without what only the system writes.
  static func content(_ object: JSONValue) -> JSONValue {
    var object = object
    object["apiVersion"] = nil
    object["kind"] = nil
    guard object["metadata"] != nil else { return object }
    for field in [
      "managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "name", "namespace", "generateName",
      "deletionTimestamp",
      "deletionGracePeriodSeconds", "selfLink",
    ] {
      object[path: "metadata", field] = nil
    }
    if object["metadata"]?.objectValue?.isEmpty == true { object["metadata"] = nil }
    return object
  }
}

extension ManagedFields.Entry {
  /// As messages about conflicts name the manager.
  fileprivate var name: String {
    let name = "\"\(manager)\"" + (subresource.map { " with subresource \"\($0)\"" } ?? "")
    return operation == .update ? "\(name) using \(apiVersion)" : name
  }

  fileprivate func json(since old: ManagedFields.Entry?) -> JSONValue {
    let since = old?.fields == fields ? old?.time ?? time : nil
    var json: JSONValue = [
      "manager": .string(manager), "operation": .string(operation.rawValue), "apiVersion": .string(apiVersion),
      "time": .string(since ?? Timestamp.now()), "fieldsType": "FieldsV1", "fieldsV1": fields.fieldsV1,
    ]
    json["subresource"] = subresource.map { .string($0) }
    return json
  }
}
