import KubeObjects
import LabStore

/// The fields that every Kubernetes object has, by name: what `KubeObjects` leaves optional is there in the objects of
/// a server.
extension JSONValue {
  var name: String { self[path: "metadata", "name"]?.stringValue ?? "" }
  var namespace: String { self[path: "metadata", "namespace"]?.stringValue ?? "" }
  var uid: String { self[path: "metadata", "uid"]?.stringValue ?? "" }
  var resourceVersion: String { self[path: "metadata", "resourceVersion"]?.stringValue ?? "" }
  var generation: Int { self[path: "metadata", "generation"]?.intValue ?? 0 }
  var creationTimestamp: String { self[path: "metadata", "creationTimestamp"]?.stringValue ?? "" }
  var isTerminating: Bool { self[path: "metadata", "deletionTimestamp"] != nil }
  var finalizers: [String] { self[path: "metadata", "finalizers"]?.elements.compactMap(\.stringValue) ?? [] }
  var ownerReferences: [JSONValue] { self[path: "metadata", "ownerReferences"]?.elements ?? [] }

  /// The condition of a type in `status.conditions`.
  func condition(_ type: String) -> JSONValue? {
    self[path: "status", "conditions"]?.elements.first { $0["type"]?.stringValue == type }
  }

  func isConditionTrue(_ type: String) -> Bool { condition(type)?["status"]?.stringValue == "True" }

  func key(_ resource: Resource) -> ObjectKey { ObjectKey(resource, namespace: namespace, name: name) }

  /// The object without members that are null, which mean nothing in a written object.
  var withoutNulls: JSONValue {
    switch self {
    case .object(let members): .object(members.filter { !$0.value.isNull }.mapValues(\.withoutNulls))
    case .array(let elements): .array(elements.map(\.withoutNulls))
    default: self
    }
  }

  /// Gives a member a value where it has none, as API defaulting does.
  mutating func setDefault(_ key: String, _ value: JSONValue) {
    if self[key] == nil || self[key] == .null { self[key] = value }
  }

  /// Changes each element of an array member in place; does nothing where there is none.
  mutating func mapElements(of key: String, _ change: (inout JSONValue) -> Void) {
    guard case .array(var elements)? = self[key] else { return }
    for index in elements.indices { change(&elements[index]) }
    self[key] = .array(elements)
  }

  /// Changes an object member in place, making it first where there is none.
  mutating func withMember(_ key: String, _ change: (inout JSONValue) -> Void) {
    var member = self[key] ?? .object([:])
    change(&member)
    self[key] = member
  }

  /// The reference by which a dependent names its managing owner.
  func ownerReference(to kind: ResourceKind) -> JSONValue {
    [
      "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "name": .string(name), "uid": .string(uid),
      "controller": true,
      "blockOwnerDeletion": true,
    ]
  }
}
