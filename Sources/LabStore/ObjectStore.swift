import KubeObjects

/// Names a kind of object as the API's paths do: `apps`/`v1`/`deployments`. The core group is "".
public struct Resource: Hashable, Sendable {
  public var group: String
  public var version: String
  public var plural: String

  public init(group: String, version: String, plural: String) {
    self.group = group
    self.version = version
    self.plural = plural
  }

  public static let pods = Resource(group: "", version: "v1", plural: "pods")
  public static let services = Resource(group: "", version: "v1", plural: "services")
  public static let configMaps = Resource(group: "", version: "v1", plural: "configmaps")
  public static let secrets = Resource(group: "", version: "v1", plural: "secrets")
  public static let namespaces = Resource(group: "", version: "v1", plural: "namespaces")
  public static let nodes = Resource(group: "", version: "v1", plural: "nodes")
  public static let events = Resource(group: "", version: "v1", plural: "events")
  public static let endpointSlices = Resource(group: "discovery.k8s.io", version: "v1", plural: "endpointslices")
  public static let deployments = Resource(group: "apps", version: "v1", plural: "deployments")
  public static let replicaSets = Resource(group: "apps", version: "v1", plural: "replicasets")
  public static let leases = Resource(group: "coordination.k8s.io", version: "v1", plural: "leases")
}

/// One object's place: namespace is "" for cluster-scoped resources.
public struct ObjectKey: Hashable, Sendable {
  public var resource: Resource
  public var namespace: String
  public var name: String

  public init(_ resource: Resource, namespace: String, name: String) {
    self.resource = resource
    self.namespace = namespace
    self.name = name
  }
}

public struct WatchEvent: Sendable {
  public enum Kind: String, Sendable { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }
  public var kind: Kind
  public var object: JSONValue
  /// The object before this change, nil for `added`: what a watch with a selector needs to know who left it.
  public var previous: JSONValue?
  public var revision: Int64
}

public enum StoreError: Error, Sendable {
  case notFound(ObjectKey)
  case alreadyExists(ObjectKey)
  /// The object's `resourceVersion` is not the one the writer had read.
  case conflict(ObjectKey)
  /// A watch asks for a revision that the store no longer has (410 Gone).
  case expired
}

/// The lab's etcd: objects by key, one revision counter, a history that watches read from.
///
/// It knows `metadata` (uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, finalizers) and nothing else of an object.
public protocol ObjectStoring: Actor {
  func get(_ key: ObjectKey) throws -> JSONValue
  /// The objects of a resource (namespace nil: of all namespaces) and the revision at which they were read.
  func list(_ resource: Resource, namespace: String?) -> (items: [JSONValue], revision: Int64)
  /// Fills in uid, creationTimestamp, resourceVersion, generation 1; resolves `generateName`.
  func create(_ resource: Resource, _ object: JSONValue) throws -> JSONValue
  /// Stores what `change` makes of the newest version; bumps `generation` when `spec` changed. A change to the same value writes nothing.
  func update(_ key: ObjectKey, _ change: @Sendable (inout JSONValue) throws -> Void) throws -> JSONValue
  /// Removes the object, or sets `deletionTimestamp` while finalizers remain or where `grace` (seconds) is given: Pods stay until the
  /// node calls `delete` with grace nil.
  func delete(_ key: ObjectKey, grace: Int?) throws -> JSONValue
  /// Events after `revision` (nil: from now on) for a resource, in order.
  func watch(_ resource: Resource, after revision: Int64?) throws -> AsyncStream<WatchEvent>
}
