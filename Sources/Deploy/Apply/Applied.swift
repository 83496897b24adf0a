import KubeAPI
import Manifests

/// An object in the form that the server accepted.
public struct AppliedObject: Sendable, Hashable {
  public enum Change: String, Sendable, Hashable { case created, changed, unchanged, recreated }

  /// With its namespace, if its kind has one.
  public var id: ObjectID
  public var resource: APIResource
  public var uid: String
  /// `metadata.generation`; 0 for kinds that have none.
  public var generation: Int
  /// `metadata.resourceVersion` right after the apply: a watch continues from it.
  public var resourceVersion: String
  /// The apply's effect, as far as it is known: an object that another process applied before counts as changed.
  public var change: Change
  public var position: SourcePosition?
  /// The containers of a Pod whose image this apply changed, by name, with the instances that ran before. They run on
  /// until the kubelet has ended them.
  public var replaced: [String: String] = [:]

  public init(
    id: ObjectID, resource: APIResource, uid: String, generation: Int, resourceVersion: String, change: Change,
    position: SourcePosition?
  ) {
    self.id = id
    self.resource = resource
    self.uid = uid
    self.generation = generation
    self.resourceVersion = resourceVersion
    self.change = change
    self.position = position
  }
}

/// The effect of an apply.
public struct Applied: Sendable, Hashable {
  /// In the order in which they were applied.
  public var objects: [AppliedObject]
  /// Made because they were missing; not those that the manifests hold.
  public var createdNamespaces: [String]
  /// For the user: the server's warnings about fields and versions.
  public var warnings: [String]

  public init(objects: [AppliedObject] = [], createdNamespaces: [String] = [], warnings: [String] = []) {
    self.objects = objects
    self.createdNamespaces = createdNamespaces
    self.warnings = warnings
  }

  public var ids: [ObjectID] { objects.map(\.id) }
  /// All namespaces that hold one of the objects, sorted.
  public var namespaces: [String] { Set(objects.compactMap(\.id.namespace)).sorted() }
}
