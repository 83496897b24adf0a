/// An object's owner, with which it is deleted (Kubernetes API, `OwnerReference`).
public struct OwnerReference: Sendable, Hashable {
  public let apiVersion: String
  public let kind: String
  public let name: String
  public let uid: String
  /// True for the one owner that made the object and looks after it.
  public let isController: Bool

  public init(apiVersion: String, kind: String, name: String, uid: String, isController: Bool = false) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.name = name
    self.uid = uid
    self.isController = isController
  }

  /// Refers to an object that exists; nil for one that no API server has made.
  public init?(to object: JSONValue) {
    guard let apiVersion = object.apiVersion, let kind = object.kind, let name = object.name, let uid = object.uid
    else { return nil }
    self.init(apiVersion: apiVersion, kind: kind, name: name, uid: uid)
  }

  /// - Returns: nil for a reference that the API server would not take.
  init?(member json: JSONValue) {
    guard let apiVersion = json.apiVersion, let kind = json.kind, let name = json.entryName,
      let uid = json["uid"]?.stringValue
    else { return nil }
    self.init(
      apiVersion: apiVersion, kind: kind, name: name, uid: uid, isController: json["controller"]?.boolValue == true)
  }

  /// The reference as a member of `metadata.ownerReferences`.
  public var json: JSONValue {
    var json: JSONValue = [
      "apiVersion": JSONValue(apiVersion), "kind": JSONValue(kind), "name": JSONValue(name), "uid": JSONValue(uid),
    ]
    if isController { json["controller"] = true }
    return json
  }
}

extension JSONValue {
  /// `metadata.ownerReferences`.
  public var owners: [OwnerReference] {
    (self[path: "metadata", "ownerReferences"]?.elements ?? []).compactMap(OwnerReference.init(member:))
  }

  /// The owner that controls the object; nil if there is none.
  public var controllerReference: OwnerReference? { owners.first(where: \.isController) }
}
