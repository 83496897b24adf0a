/// The metadata of every Kubernetes object (Kubernetes API, `ObjectMeta`). Absent members read as nil or empty.
extension JSONValue {
  public var apiVersion: String? { self["apiVersion"]?.stringValue }
  public var kind: String? { self["kind"]?.stringValue }

  public var name: String? {
    get { self[path: "metadata", "name"]?.stringValue }
    set { self[path: "metadata", "name"] = newValue.map { JSONValue($0) } }
  }

  public var namespace: String? {
    get { self[path: "metadata", "namespace"]?.stringValue }
    set { self[path: "metadata", "namespace"] = newValue.map { JSONValue($0) } }
  }

  public var labels: [String: String] {
    get { self[path: "metadata", "labels"]?.stringMap ?? [:] }
    set { self[path: "metadata", "labels"] = newValue.isEmpty ? JSONValue?.none : JSONValue(newValue) }
  }

  public var annotations: [String: String] {
    get { self[path: "metadata", "annotations"]?.stringMap ?? [:] }
    set { self[path: "metadata", "annotations"] = newValue.isEmpty ? JSONValue?.none : JSONValue(newValue) }
  }

  public var resourceVersion: String? { self[path: "metadata", "resourceVersion"]?.stringValue }
  public var uid: String? { self[path: "metadata", "uid"]?.stringValue }
  public var generation: Int? { self[path: "metadata", "generation"]?.intValue }
  public var isBeingDeleted: Bool { self[path: "metadata", "deletionTimestamp"]?.stringValue != nil }

  /// The object for messages: `NAMESPACE/NAME`, or the name alone of one without a namespace.
  public var place: String { [namespace, name].compactMap { $0 }.joined(separator: "/") }

  /// Checks whether the object was made before another: by the times of both, which sort as texts do (RFC 3339), then
  /// by their names.
  public func isOlder(than other: JSONValue) -> Bool { age < other.age }

  private var age: (String, String) { (creationTimestamp, (self["metadata"] ?? [:]).text("name")) }

  /// RFC 3339; empty for an object that no API server has made.
  public var creationTimestamp: String { (self["metadata"] ?? [:]).text("creationTimestamp") }
}

extension JSONValue {
  /// `name` of an element in a Kubernetes list: a container, a port, a volume.
  public var entryName: String? { self["name"]?.stringValue }

  /// Checks whether an element's name is one of these.
  public func isNamed(oneOf names: Set<String>) -> Bool { entryName.map(names.contains) ?? false }
}
