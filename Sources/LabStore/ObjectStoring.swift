import KubeObjects

/// A change of one object, as a watch tells it.
public struct WatchEvent: Sendable {
  public enum Kind: String, Sendable {
    case added = "ADDED"
    case modified = "MODIFIED"
    case deleted = "DELETED"
  }
  public var kind: Kind
  /// The object after the change; for `deleted` its last state with the `resourceVersion` of the deletion.
  public var object: JSONValue
  /// The object before this change, nil for `added`: what a watch with a selector needs to know who left it.
  public var previous: JSONValue?
  public var revision: Int64

  public init(kind: Kind, object: JSONValue, previous: JSONValue?, revision: Int64) {
    self.kind = kind
    self.object = object
    self.previous = previous
    self.revision = revision
  }
}

public enum StoreError: Error, Sendable, Equatable {
  case notFound(ObjectKey)
  case alreadyExists(ObjectKey)
  /// The object's `resourceVersion` (or `uid`) is not the one the writer had read.
  case conflict(ObjectKey)
  /// A watch asks for a revision that the store no longer has (410 Gone).
  case expired
  /// An object without the `metadata.name` or `metadata.generateName` that a key needs.
  case nameless(Resource)
}

/// A deletion's expectations about the object (Kubernetes' `DeleteOptions.preconditions`).
public struct DeletePreconditions: Sendable {
  public var uid: String?
  public var resourceVersion: String?

  public init(uid: String? = nil, resourceVersion: String? = nil) {
    self.uid = uid
    self.resourceVersion = resourceVersion
  }
}

/// The lab's etcd: objects by key, one revision counter, a history that watches read from.
///
/// It knows `metadata` (uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, finalizers) and nothing
/// else of an object.
public protocol ObjectStoring: Actor {
  /// - Throws: `StoreError.notFound`.
  func get(_ key: ObjectKey) throws -> JSONValue

  /// The objects of a resource (namespace nil: of all namespaces), by namespace and name, and the revision at which
  /// they were read.
  func list(_ resource: Resource, namespace: String?) -> (items: [JSONValue], revision: Int64)

  /// Fills in uid, creationTimestamp, resourceVersion, and generation 1 where there is a `spec`; resolves
  /// `generateName`.
  /// - Throws: `StoreError.alreadyExists`, `.nameless`.
  func create(_ resource: Resource, _ object: JSONValue) throws -> JSONValue

  /// Stores what `change` makes of the newest version; bumps `generation` when `spec` changed. A change to the same
  /// value writes nothing.
  ///
  /// An object that is being deleted disappears with its last finalizer, except while it waits for its grace period.
  /// - Throws: `StoreError.notFound`, and whatever `change` throws.
  func update(_ key: ObjectKey, _ change: @Sendable (inout JSONValue) throws -> Void) throws -> JSONValue

  /// Removes the object, or sets `deletionTimestamp` while finalizers remain or where `grace` (seconds) is given: Pods
  /// stay until the node calls `delete` with grace nil. A later, shorter grace shortens the first.
  /// - Returns: the object's last state.
  /// - Throws: `StoreError.notFound`, `.conflict` where a precondition does not hold.
  func delete(_ key: ObjectKey, grace: Int?, preconditions: DeletePreconditions) throws -> JSONValue

  /// Events after `revision` (nil: from now on) for a resource, in order. The stream ends when its reader falls too far
  /// behind: read again with `list`.
  /// - Throws: `StoreError.expired`.
  func watch(_ resource: Resource, after revision: Int64?) throws -> AsyncStream<WatchEvent>
}

extension ObjectStoring {
  public func delete(_ key: ObjectKey, grace: Int?) throws -> JSONValue {
    try delete(key, grace: grace, preconditions: DeletePreconditions())
  }
}
