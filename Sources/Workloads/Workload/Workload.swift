import KubeAPI
import KubeObjects

/// The owner of a Service's Pods, as agents are made from it: a Deployment, a custom resource, a bare Pod…
public struct Workload: Sendable, Hashable {
  /// The owner's kind, such as `Deployment`.
  public var kind: String
  public var name: String
  /// The owner's resource; nil if it is not known, or may not be read.
  public var resource: APIResource?
  /// The Pod template that agents are made from: an admitted Pod's, or the owner's own while no Pod runs.
  public var template: JSONValue
  /// The owner's own `spec.template`; nil if it has none, or may not be read.
  public var declared: JSONValue?
  /// Volumes of which each Pod has a claim of its own.
  public var ownClaims: Set<String>
  public var generation: Int
  public var replicas: Int
  public var isPaused: Bool
  public var isRollingUpdate: Bool

  /// `Deployment/user`.
  public var description: String { "\(kind)/\(name)" }

  /// - Parameter object: the owner.
  public init(_ object: JSONValue, resource: APIResource) {
    kind = resource.kind
    self.resource = resource
    name = object.name ?? ""
    let spec = object["spec"]
    let own = spec?["template"] ?? spec?[path: "jobTemplate", "spec", "template"]
    declared = own?[path: "spec", "containers"] == nil ? nil : own
    template = own ?? [:]
    ownClaims = Set(
      (spec?["volumeClaimTemplates"]?.elements ?? []).compactMap { $0.name })
    generation = object.generation ?? 0
    replicas = spec?["replicas"]?.intValue ?? 1
    isPaused = spec?["paused"]?.boolValue ?? false
    let strategy = spec?[path: "strategy", "type"] ?? spec?[path: "updateStrategy", "type"]
    isRollingUpdate = (strategy?.stringValue ?? "RollingUpdate") == "RollingUpdate"
  }

  /// An owner of which only its name is known, or a Pod without one.
  public init(kind: String, name: String) {
    self.kind = kind
    self.name = name
    template = [:]
    ownClaims = []
    generation = 0
    replicas = 1
    isPaused = false
    isRollingUpdate = false
  }

  // MARK: The admitted Pod

  /// Returns the workload with the template of one of its Pods; unchanged if it has none.
  /// - Parameters:
  ///   - pods: living ones.
  ///   - selector: the Service's, whose labels the agent needs.
  ///   - revision: the label that Pods of the present revision have.
  func admitted(_ pods: [JSONValue], selector: [String: String], revision: (key: String, value: String)?) -> Workload {
    guard let pod = AdmittedPod.pick(pods, revision: revision) else { return self }
    var workload = self
    workload.ownClaims.formUnion(Self.ownClaims(of: pod))
    workload.template = AdmittedPod(pod: pod, declared: declared, neededLabels: Set(selector.keys)).template
    return workload
  }

  /// Returns the volumes whose claims are named after the Pod, as StatefulSets and their like name them.
  private static func ownClaims(of pod: JSONValue) -> [String] {
    (pod[path: "spec", "volumes"]?.elements ?? []).compactMap { volume in
      guard let name = volume.entryName, let pod = pod.name,
        volume[path: "persistentVolumeClaim", "claimName"]?.stringValue == "\(name)-\(pod)"
      else { return nil }
      return name
    }
  }

  // MARK: What may be done to it

  /// True if `--replace` can scale it.
  public var canScale: Bool { resource.map { [.deployments, .statefulSets, .replicaSets].contains($0) } ?? false }

  /// True if its Pods can be restarted one after the other by a change of its template.
  public var canRestart: Bool {
    isRollingUpdate && !isPaused && (resource.map { [.deployments, .statefulSets, .daemonSets].contains($0) } ?? false)
  }
}
