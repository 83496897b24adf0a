import KubeObjects

/// The trace of `kubectl apply` without `--server-side` in an object: the annotation with the manifest that it applied
/// last.
///
/// The API server lets kubectl, and no other client, take over the fields in it without a conflict.
struct ClientSideApply {
  /// The manager that takes over.
  static let heir = "kubectl"
  private static let annotation = "kubectl.kubernetes.io/last-applied-configuration"

  /// The fields that were applied and have still the value that they got.
  let fields: FieldSet

  /// nil where there is no annotation.
  init?(in object: JSONValue, _ schema: MergeSchema) {
    guard let text = object[path: "metadata", "annotations", Self.annotation]?.stringValue,
      let applied = try? JSONValue(parsing: text)
    else {
      return nil
    }
    let content = ManagedFields.content(applied)
    let comparison = FieldComparison(from: content, to: ManagedFields.content(object), schema)
    fields = FieldSet(of: content, schema).subtracting(comparison.written).subtracting(comparison.removed)
  }

  /// Keeps the annotation up to date, so that the next client-side apply knows what has been applied.
  static func note(_ configuration: JSONValue, in object: inout JSONValue) {
    object[path: "metadata", "annotations", annotation] = .string("\(configuration)\n")
  }
}
