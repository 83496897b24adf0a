import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// One port of the intercepted Service.
public struct PlannedPort: Sendable, Hashable {
  public var servicePort: Int
  public var name: String?
  /// Resolved to a number.
  public var podPort: UInt16
  /// The port on the host, or of the target in another cluster; nil for a port that stays with the origin.
  public var localPort: UInt16?
  public var speaksHTTP2: Bool
}

/// Everything that an intercept needs to know, read from the cluster and checked before anything is changed.
public struct InterceptPlan: Sendable {
  public var namespace: String
  public var service: String
  /// The Service's own address, if it has an IPv4 one.
  public var clusterIP: String?
  public var workload: Workload
  public var container: String
  public var ports: [PlannedPort]
  /// Every TCP target port of every Service that selects the workload's Pods.
  public var listen: [UInt16]
  /// The Service's selector before the divert.
  public var selector: [String: String]
  /// Nodes of the origin's Pods.
  public var nodes: [String]
  public var warnings: [String]

  /// A port of the Pod's loopback that neither the workload nor the usual meshes use.
  public var controlPort: UInt16 {
    let containers = workload.template[path: "spec", "containers"]?.elements ?? []
    let taken = Set(containers.flatMap { $0["ports"]?.elements ?? [] }.compactMap { $0["containerPort"]?.intValue })
      .union(listen.map(Int.init))
    return (17_717...17_800).first { !taken.contains(Int($0)) } ?? 17_717
  }
}
