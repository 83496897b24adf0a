import KubeAPI
import KubeObjects

/// A Deployment, StatefulSet, DaemonSet or ReplicaSet, as agents are made from it.
public struct Workload: Sendable, Hashable {
  public var resource: APIResource
  public var name: String
  /// The object's `spec.template`.
  public var template: JSONValue
  public var generation: Int
  public var replicas: Int
  public var isPaused: Bool
  public var isRollingUpdate: Bool

  /// `Deployment/user`.
  public var description: String { "\(resource.kind)/\(name)" }

  public init(_ object: JSONValue, resource: APIResource) {
    self.resource = resource
    name = object.name ?? ""
    template = object[path: "spec", "template"] ?? [:]
    generation = object.generation ?? 0
    replicas = object[path: "spec", "replicas"]?.intValue ?? 1
    isPaused = object[path: "spec", "paused"]?.boolValue ?? false
    let strategy = object[path: "spec", "strategy", "type"] ?? object[path: "spec", "updateStrategy", "type"]
    isRollingUpdate = (strategy?.stringValue ?? "RollingUpdate") == "RollingUpdate"
  }
}
