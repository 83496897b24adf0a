import KubeObjects

/// A change of an object (Kubernetes API, `WatchEvent`).
public enum WatchEvent: Sendable, Hashable {
  case added(JSONValue)
  case modified(JSONValue)
  /// The object as it last was.
  case deleted(JSONValue)
  /// Everything older has been reported. The first one follows the last object of the initial list, and
  /// each further list ends with one too.
  case bookmark(resourceVersion: String)

  /// The changed object; nil for a bookmark.
  public var object: JSONValue? {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object
    case .bookmark: nil
    }
  }
}

/// The start of a watch.
public enum WatchStart: Sendable {
  /// With all existing objects, each as `.added`.
  case list
  /// After a list that the caller already has.
  case after(ObjectList)
  /// After a version, without known objects: if the server has forgotten it, existing objects are reported as `.added`,
  /// and objects that disappeared unseen are not reported.
  case resourceVersion(String)
}
