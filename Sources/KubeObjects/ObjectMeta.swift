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

  /// The owner that controls the object; nil if there is none.
  public var controllerReference: JSONValue? {
    self[path: "metadata", "ownerReferences"]?.elements.first { $0["controller"]?.boolValue == true }
  }
}

extension JSONValue {
  /// `name` of an element in a Kubernetes list: a container, a port, a volume.
  public var entryName: String? { self["name"]?.stringValue }
}
