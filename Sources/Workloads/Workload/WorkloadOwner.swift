import KubeAPI
import KubeObjects

/// The controller of Pods (`metadata.ownerReferences` with `controller: true`), or a Pod that has none.
public struct WorkloadOwner: Hashable, Sendable {
  public let apiVersion: String
  public let kind: String
  public let name: String

  private init(_ reference: OwnerReference) {
    apiVersion = reference.apiVersion
    kind = reference.kind
    name = reference.name
  }

  /// - Returns: nil for a Pod without a name.
  init?(of pod: JSONValue) {
    // A static Pod's owner is its node, which says nothing about it.
    let reference = pod.controllerReference.flatMap { $0.kind == "Node" ? nil : $0 }
    guard let name = reference?.name ?? pod.name else { return nil }
    apiVersion = reference?.apiVersion ?? "v1"
    kind = reference?.kind ?? "Pod"
    self.name = name
  }

  var description: String { "\(kind)/\(name)" }

  private var group: String {
    apiVersion.split(separator: "/").count > 1 ? String(apiVersion.prefix { $0 != "/" }) : ""
  }

  /// Its resource, if it is one of Kubernetes' own.
  var resource: APIResource? { Self.known.first { $0.kind == kind && $0.group == group } }

  private static let known: [APIResource] = [
    .deployments, .statefulSets, .daemonSets, .replicaSets, .replicationControllers, .jobs, .cronJobs,
  ]

  /// True if another object usually makes these, for each revision or run anew: that one is the workload.
  var isMadeByAnother: Bool { resource.map { [.replicaSets, .replicationControllers, .jobs].contains($0) } ?? false }

  /// Returns the Pods' owners, each followed up to the object that is the workload. An owner of another kind is not
  /// followed: it may own several workloads, and all of them would be taken for one.
  /// - Parameter object: returns an owner as it was read; nil if it is not known.
  public static func all(of pods: [JSONValue], object: (WorkloadOwner) -> JSONValue?) -> Set<WorkloadOwner> {
    Set(
      pods.compactMap { pod in
        guard let owner = WorkloadOwner(of: pod) else { return nil }
        guard owner.isMadeByAnother, let above = object(owner)?.controllerReference else { return owner }
        return WorkloadOwner(above)
      })
  }
}
