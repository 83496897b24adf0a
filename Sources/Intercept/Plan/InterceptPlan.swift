import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// One port of the intercepted Service.
public struct PlannedPort: Sendable, Hashable {
  public var servicePort: Int
  public var name: String?
  /// Resolved to a number.
  public var podPort: UInt16
  /// The port on which the agent takes its connections: `podPort`, or the application's behind a container that stays.
  public var agentPort: UInt16
  /// The port on the host, or of the target in another cluster; nil for a port that stays with the origin.
  public var localPort: UInt16?
  public var speaksHTTP2: Bool
  /// The word in the Service that says that the port's connections are not plain HTTP; nil without one.
  public var opaque: String?
  /// The Service's port with which it comes along, unasked: both target one port of the Pods. Nil for any other.
  public var along: Int?

  public init(servicePort: Int, name: String?, podPort: UInt16, localPort: UInt16?, speaksHTTP2: Bool) {
    self.servicePort = servicePort
    self.name = name
    self.podPort = podPort
    agentPort = podPort
    self.localPort = localPort
    self.speaksHTTP2 = speaksHTTP2
  }

  /// Returns a warning about a port whose requests nobody can distinguish; nil for any other.
  /// - Parameter service: `NAMESPACE/NAME`.
  func opacity(of service: String) -> String? {
    opaque.map {
      "port \(label) of Service \(service) is said to be \($0): the agent sees requests of plain HTTP/1.1 and "
        + "HTTP/2 only: all else goes to the origin, or to the holder of the whole port"
    }
  }

  /// `8080 (http)`.
  var label: String { "\(servicePort)" + (name.map { " (\($0))" } ?? "") }
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
  /// The only node on which the agent can be; nil if any will do.
  public var requiredNode: String?
  /// UDP ports whose datagrams the agent passes to the origin.
  public var datagrams: [UInt16] = []
  /// Ports of containers that stay beside the agent.
  public var keptPorts: Set<UInt16> = []
  /// UDP ports of theirs.
  public var keptDatagrams: Set<UInt16> = []
  /// The application's port behind a container that stays, by that one's.
  public var gates: [UInt16: UInt16] = [:]
  /// Volumes of the container that the agent goes without.
  public var droppedVolumes: Set<String> = []
  /// True if clients find the Pods by DNS.
  public var isHeadless = false
  /// The name of the workload's only Pod below the Service's own in DNS, which the agent takes too.
  public var podName: PodName?
  public var warnings: [String]

  public init(
    namespace: String, service: String, clusterIP: String? = nil, workload: Workload, container: String,
    ports: [PlannedPort], listen: [UInt16], selector: [String: String], nodes: [String], warnings: [String]
  ) {
    self.namespace = namespace
    self.service = service
    self.clusterIP = clusterIP
    self.workload = workload
    self.container = container
    self.ports = ports
    self.listen = listen
    self.selector = selector
    self.nodes = nodes
    self.warnings = warnings
  }

  /// The time for which clients may still connect to an agent that has left the endpoints: kube-proxy follows up to a
  /// second late; a name's addresses live for 30 s (kubeadm's CoreDNS).
  public var lag: Duration { isHeadless ? .seconds(30) : .seconds(1) }

  /// A port of the Pod's loopback that neither the workload nor the usual meshes use.
  public var controlPort: UInt16 {
    let taken = Set(workload.template.declaredPorts.compactMap(\.portNumber)).union(listen)
    return (17_717...17_800).first { !taken.contains($0) } ?? 17_717
  }
}
