import KubeObjects
import LabStore

/// A kind of object that the API serves, and how discovery describes it.
struct ResourceKind: Sendable {
  enum Subresource: String, Sendable { case status, scale, log, portforward, exec, eviction, finalize, token }

  var resource: Resource
  var kind: String
  var singular: String
  var shortNames: [String] = []
  var isNamespaced = true
  /// In kubectl's `all`.
  var isInAll = false
  var subresources: Set<Subresource> = []
  /// Fields that field selectors may name besides `metadata.name` and `metadata.namespace`.
  var selectableFields: Set<String> = []

  var group: String { resource.group }
  var version: String { resource.version }
  var plural: String { resource.plural }
  var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
  var hasStatus: Bool { subresources.contains(.status) }

  /// `deployments.apps`, as messages name it.
  var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }
  /// `Deployment.apps`, as messages about invalid objects name it.
  var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

  /// The `details` of a `Status` about one object.
  func details(_ name: String, usesKindName: Bool = false) -> JSONValue {
    var details: JSONValue = ["name": .string(name), "kind": .string(usesKindName ? kind : plural)]
    if !group.isEmpty { details["group"] = .string(group) }
    return details
  }
}
