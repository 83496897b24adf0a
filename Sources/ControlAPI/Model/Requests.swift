import Exchanges

// The requests of commands to the daemon. Every type is Codable: it crosses the control socket as JSON.

/// The cluster that a command means. The daemon reads the kubeconfig itself, at the time of the request.
public struct ClusterSelection: Codable, Sendable, Hashable {
  /// Files as `--kubeconfig` or `KUBECONFIG` named them, absolute; empty for the default location.
  public var kubeconfig: [String]
  /// nil: the kubeconfig's current context.
  public var context: String?
  /// nil: the context's namespace.
  public var namespace: String?
  /// The framing of port-forwards into this cluster.
  public var portForwardProtocol = PortForwardProtocol.auto
  /// The SSH host through which the API server is reached; nil: directly.
  public var bastion: BastionSelection?

  public init(kubeconfig: [String] = [], context: String? = nil, namespace: String? = nil) {
    self.kubeconfig = kubeconfig
    self.context = context
    self.namespace = namespace
  }
}

/// The subprotocol of port-forwards (Kubernetes API, `pods/portforward`).
public enum PortForwardProtocol: String, Codable, Sendable, CaseIterable {
  /// SPDY if the server offers it, else v4.
  case auto
  /// `SPDY/3.1+portforward.k8s.io`: one SPDY stream in a WebSocket.
  case spdy
  /// `v4.channel.k8s.io`.
  case v4
}

/// `LOCAL[:REMOTE]`: a port of the host (or of the `InterceptTarget`), and a port of the Service.
public struct PortMapping: Codable, Sendable, Hashable {
  public var local: UInt16
  /// The Service's port by number or name; nil if the Service has only one.
  public var remote: String?

  public init(local: UInt16, remote: String? = nil) {
    self.local = local
    self.remote = remote
  }
}

/// The choice to restart the Pods so that open connections move; `auto` decides by ports and workload.
public enum MoveConnections: String, Codable, Sendable, CaseIterable {
  case yes, no, auto
}

/// The target that an intercept's connections have instead of the host: another cluster, without a port of the host.
public struct InterceptTarget: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  /// `NAME`, `svc/NAME`, `pod/NAME`, `deploy/NAME`…, as in `ForwardRequest.target`.
  public var target: String
  /// An image for the gateway there; nil takes a running Pod's.
  public var agentImage: String?

  public init(cluster: ClusterSelection, target: String, agentImage: String? = nil) {
    self.cluster = cluster
    self.target = target
    self.agentImage = agentImage
  }

  /// True if its ports are a Service's; else they are a container's.
  public var isService: Bool {
    let parts = target.split(separator: "/")
    return parts.count < 2 || ["svc", "service", "services"].contains(parts[0].lowercased())
  }
}

/// `devtunnel intercept`.
public struct InterceptRequest: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  public var service: String
  /// Empty: every TCP port of the Service, to the host port of the same number as its target port; if `target` is a
  /// Service, to its port of the same number.
  public var ports: [PortMapping]
  /// The requests to take; nil: all that arrives.
  public var rules: RequestRules?
  /// nil: the host. Otherwise `PortMapping.local` is a port of this target.
  public var target: InterceptTarget?
  /// The host target's address.
  public var address = "127.0.0.1"
  /// The container whose ports are taken over, if that is not clear.
  public var container: String?
  /// The port on which that container listens, if it declares none or several; for `keepContainers`.
  public var containerPort: UInt16?
  /// True if the Pods' other containers run beside the agent: one of them may be in front of the application.
  public var keepContainers = false
  /// An image for the agent; nil takes the workload's own.
  public var agentImage: String?
  /// True if a refused host port resets the client instead of falling back to the origin.
  public var refuse = false
  /// Scales the origin to zero.
  public var replace = false
  /// Allows a headless Service, whose clients follow by DNS.
  public var headless = false
  public var moveConnections = MoveConnections.auto
  /// The time, in seconds, after which connections on the origin are ended that do not come home by themselves once the
  /// host answers again; nil: never.
  public var homeAfter: Double?
  /// Takes the intercept over from another holder.
  public var takeOver = false
  /// Answers with the workload's environment.
  public var environment = false
  /// The choice of its variables.
  public var variables = VariableChoice()
  /// True if the intercept ends with the connection of the command that asked for it; else the daemon keeps it.
  public var foreground = false

  public init(cluster: ClusterSelection, service: String, ports: [PortMapping]) {
    self.cluster = cluster
    self.service = service
    self.ports = ports
  }
}

/// `devtunnel intercept --explain`: who would get a request. Nothing is changed.
public struct ExplainRequest: Codable, Sendable, Hashable {
  /// The Service and its ports, and the rules of a possible intercept.
  public var intercept: InterceptRequest
  /// `GET`.
  public var method: String
  /// The path, with the query.
  public var target: String
  public var headers: [Exchange.Field]

  public init(_ intercept: InterceptRequest, method: String, target: String, headers: [Exchange.Field] = []) {
    self.intercept = intercept
    self.method = method
    self.target = target
    self.headers = headers
  }
}

/// `devtunnel leave`.
public struct LeaveRequest: Codable, Sendable, Hashable {
  /// The very intercept, as its report named it; everything else is then ignored.
  public var id: InterceptID?
  /// nil: in any cluster.
  public var cluster: ClusterSelection?
  /// nil: in any namespace.
  public var namespace: String?
  /// nil: the daemon's only one, or all of them with `all`.
  public var service: String?
  /// True to leave all intercepts that the other fields name.
  public var all = false
  /// The time that connections on the host have to end by themselves, in seconds.
  public var drain: Double = 30

  public init(cluster: ClusterSelection? = nil, namespace: String? = nil, service: String? = nil, all: Bool = false) {
    self.cluster = cluster
    self.namespace = namespace
    self.service = service
    self.all = all
  }

  public init(_ id: InterceptID) { self.id = id }
}

/// `SERVICE|KIND/NAME [HOST:]PORT…`.
public struct ForwardRequest: Codable, Sendable, Hashable {
  public struct Port: Codable, Sendable, Hashable {
    /// 0 takes any free port.
    public var host: UInt16
    /// The Service's or container's port, by number or name.
    public var remote: String
    public init(host: UInt16, remote: String) {
      self.host = host
      self.remote = remote
    }
  }

  public var cluster: ClusterSelection
  /// `NAME`, `svc/NAME`, `pod/NAME`, `deploy/NAME`, `sts/NAME`…
  public var target: String
  public var ports: [Port]
  public var address = "127.0.0.1"
  public var agentImage: String?
  /// True if connections to a Service go to its Pod that became ready last, as soon as its EndpointSlices say so. A dev
  /// loop's edits show a second earlier than through the Service's address, since kube-proxy lags, and never from an
  /// old Pod. Its other Pods get no connections.
  public var newestPod = false
  /// For `devtunnel open`: the changes to the requests. The target is a Service then, and a port may be "": its only
  /// one, or the one for HTTP.
  public var rewrite: ForwardRewrite?
  /// True if the forward ends with the connection of the command that asked for it; else the daemon keeps it.
  public var foreground = false

  public init(cluster: ClusterSelection, target: String, ports: [Port]) {
    self.cluster = cluster
    self.target = target
    self.ports = ports
  }
}

/// `devtunnel forward --stop`.
public struct StopForwardRequest: Codable, Sendable, Hashable {
  public var id: String
  public init(id: String) { self.id = id }
}

/// `devtunnel list`.
public struct ListRequest: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  public var allNamespaces: Bool
  /// Only the Services of this workload, such as `deploy/web`; nil: all.
  public var workload: String?

  public init(cluster: ClusterSelection, allNamespaces: Bool = false, workload: String? = nil) {
    self.cluster = cluster
    self.allNamespaces = allNamespaces
    self.workload = workload
  }
}

/// `devtunnel restore`.
public struct RestoreRequest: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  /// Only what belongs to this Service; nil: all of devtunnel's objects in the namespace.
  public var service: String?
  /// True to include objects that another holder uses, by a fresh Lease.
  public var force = false

  public init(cluster: ClusterSelection, service: String? = nil, force: Bool = false) {
    self.cluster = cluster
    self.service = service
    self.force = force
  }
}
