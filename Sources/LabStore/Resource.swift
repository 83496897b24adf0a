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
  public static let serviceAccounts = Resource(group: "", version: "v1", plural: "serviceaccounts")
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
