import KubeObjects

/// What happened to an object (Kubernetes API, `WatchEvent`).
public enum WatchEvent: Sendable, Hashable {
  case added(JSONValue)
  case modified(JSONValue)
  /// The object as it last was.
  case deleted(JSONValue)
  /// All that is older has been told. The first one stands behind the last object of the initial list, and each further
  /// list ends with one too.
  case bookmark(resourceVersion: String)

  public var object: JSONValue? {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object
    case .bookmark: nil
    }
  }
}

/// Where a watch begins.
public enum WatchStart: Sendable {
  /// With all objects that exist, each as `.added`.
  case list
  /// Behind a list that the caller has already.
  case after(ObjectList)
  /// Behind a version, of which the watch knows no objects: should the server have forgotten it, what exists then comes
  /// as `.added`, and what has gone unseen is not told.
  case resourceVersion(String)
}
