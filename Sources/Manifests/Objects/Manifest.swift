import KubeObjects

/// A Kubernetes object as written by a user or a tool, before it goes to a cluster.
public struct Manifest: Sendable, Hashable {
  public var object: JSONValue
  /// The object's beginning in its file; nil if a tool made it.
  public var position: SourcePosition?
  /// True if texts in it may have placeholders for images that were not built yet.
  public var hasPlaceholders = false

  public init(_ object: JSONValue, position: SourcePosition? = nil) {
    self.object = object
    self.position = position
  }

  public var apiVersion: String { object["apiVersion"]?.stringValue ?? "" }
  public var kind: String { object["kind"]?.stringValue ?? "" }
  public var name: String { object["metadata"]?["name"]?.stringValue ?? "" }
  /// nil if the manifest names none: the context's, or none for cluster-wide kinds.
  public var namespace: String? {
    get { object["metadata"]?["namespace"]?.stringValue }
    set { object[path: "metadata", "namespace"] = newValue.map { JSONValue($0) } }
  }

  public var id: ObjectID { ObjectID(apiVersion: apiVersion, kind: kind, namespace: namespace, name: name) }
}

/// The identity of an object, which stays the same while its contents change.
public struct ObjectID: Sendable, Hashable, CustomStringConvertible {
  /// `apps/v1`; `v1` for the core group.
  public var apiVersion: String
  public var kind: String
  public var namespace: String?
  public var name: String

  public init(apiVersion: String, kind: String, namespace: String?, name: String) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  /// `Deployment shop/user`.
  public var description: String { "\(kind) \(namespace.map { $0 + "/" } ?? "")\(name)" }
}
