import KubeObjects

/// One server-side apply: what a manager wants to have in an object (Kubernetes: "Server-Side Apply").
struct ServerSideApply: Sendable {
  /// The object as it was sent, without what only the system writes.
  let configuration: JSONValue
  let manager: String
  /// Takes fields away from other managers instead of refusing.
  let isForced: Bool
  private let schema: MergeSchema
  private let apiVersion: String

  /// - Throws: `StatusError` for lists whose elements cannot be distinguished.
  init(_ configuration: JSONValue, manager: String, isForced: Bool, _ kind: ResourceKind) throws {
    var configuration = configuration.withoutNulls
    if kind.hasStatus { configuration["status"] = nil }
    self.configuration = configuration
    self.manager = manager
    self.isForced = isForced
    schema = MergeSchema.schema(for: kind)
    apiVersion = kind.apiVersion
    let mistakes = Self.mistakes(in: configuration, schema, at: "")
    guard mistakes.isEmpty else {
      let text = mistakes.count == 1 ? mistakes[0] : "errors:\n" + mistakes.map { "  " + $0 }.joined(separator: "\n")
      throw StatusError(
        500, "",
        """
        failed to create typed patch object (\(configuration.namespace)/\(configuration.name); \
        \(kind.typeName)): \(text)
        """
      )
    }
  }

  /// Lays the configuration over the live object, removes what this manager had applied before and leaves out now, and
  /// moves ownership.
  /// - Parameter live: nil for an object that is to be made.
  /// - Returns: the object without defaults, its `managedFields` those of `managed`.
  /// - Throws: `StatusError` (409) where another manager owns a field with another value.
  func applied(to live: JSONValue?) throws -> (object: JSONValue, managed: ManagedFields) {
    let before = live ?? [:]
    var managed = ManagedFields(of: before)
    if live != nil { managed.adoptOrphans(of: before, schema) }
    let last = managed.fields(of: manager, .apply)
    managed.set(FieldSet(of: ManagedFields.content(configuration), schema), of: manager, .apply, apiVersion: apiVersion)
    let merged = ApplyMerge.merge(configuration, into: live, schema)
    var object = ApplyMerge.prune(merged, last: last, owned: managed.union, schema)
    let comparison = FieldComparison(from: ManagedFields.content(before), to: ManagedFields.content(object), schema)
    let past = ClientSideApply(in: before, schema)
    let hidden = manager == ClientSideApply.heir ? past?.fields ?? FieldSet() : FieldSet()
    let conflicts = managed.conflicts(with: comparison.written.subtracting(hidden), besides: manager)
    guard isForced || conflicts.isEmpty else { throw FieldConflict.status(conflicts) }
    managed.take(comparison.written.union(comparison.removed), from: { !$0.isApply(by: manager) })
    if manager == ClientSideApply.heir, past != nil { ClientSideApply.note(configuration, in: &object) }
    return (object, managed)
  }

  private static func mistakes(in value: JSONValue, _ schema: MergeSchema, at path: String) -> [String] {
    switch value {
    case .object(let members) where !schema.isAtomic:
      return members.sorted { $0.key < $1.key }.flatMap {
        mistakes(in: $0.value, schema.member($0.key), at: "\(path).\($0.key)")
      }
    case .array(let elements) where schema.hasElements:
      var seen: Set<FieldStep> = []
      return elements.enumerated().flatMap { index, element -> [String] in
        guard let step = FieldShape.step(element, in: schema) else {
          let key = schema.listKeys.first { element[$0.name] == nil && $0.fallback == nil }?.name ?? ""
          return [
            """
            \(path): element \(index): associative list with keys has an element that omits key field "\(key)" (and \
            doesn't have default value)
            """
          ]
        }
        guard seen.insert(step).inserted else { return ["\(path): duplicate entries for key \(step.text)"] }
        return mistakes(in: element, schema.element, at: path + step.text)
      }
    default: return []
    }
  }
}

extension ResourceKind {
  /// As messages of server-side apply name it: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`.
  var typeName: String { "\(group)/\(version), Kind=\(kind)" }
}
