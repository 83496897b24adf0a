// The daemon's answers: the same JSON that `--output json` prints, described in docs/output.md.

/// One forward, as `forward` and `status` show it.
public struct ForwardReport: Codable, Sendable, Hashable {
  public struct Port: Codable, Sendable, Hashable {
    /// `127.0.0.1:8080`.
    public var host: String
    public var remote: String
    public var connections: UInt64
    public var refused: UInt64
    public var lastProblem: String?
    public init(host: String, remote: String, connections: UInt64 = 0, refused: UInt64 = 0, lastProblem: String? = nil)
    {
      self.host = host
      self.remote = remote
      self.connections = connections
      self.refused = refused
      self.lastProblem = lastProblem
    }
  }

  public var id: String
  public var context: String
  public var namespace: String
  public var target: String
  public var ports: [Port]
  public var message: String?
  /// Warnings about a port that other machines reach.
  public var warnings: [String]
  /// For `devtunnel open`: the name that the Service sees.
  public var opened: String?

  public init(
    id: String, context: String, namespace: String, target: String, ports: [Port], message: String? = nil,
    warnings: [String] = [], opened: String? = nil
  ) {
    self.opened = opened
    self.warnings = warnings
    self.id = id
    self.context = context
    self.namespace = namespace
    self.target = target
    self.ports = ports
    self.message = message
  }
}

/// A tunnel to one agent.
public struct SessionReport: Codable, Sendable, Hashable {
  public var context: String
  public var namespace: String
  public var agent: String
  public var pod: String?
  /// `connected`, `connecting`, `silent`.
  public var state: String
  /// The port-forward's subprotocol.
  public var carrier: String?
  public var roundTripMilliseconds: Double?
  public var streams: Int
  public var sentBytes: UInt64
  public var receivedBytes: UInt64
  public var lastProblem: String?

  public init(
    context: String, namespace: String, agent: String, pod: String?, state: String, carrier: String?,
    roundTripMilliseconds: Double?,
    streams: Int, sentBytes: UInt64, receivedBytes: UInt64, lastProblem: String?
  ) {
    self.context = context
    self.namespace = namespace
    self.agent = agent
    self.pod = pod
    self.state = state
    self.carrier = carrier
    self.roundTripMilliseconds = roundTripMilliseconds
    self.streams = streams
    self.sentBytes = sentBytes
    self.receivedBytes = receivedBytes
    self.lastProblem = lastProblem
  }
}

/// The daemon's process.
public struct DaemonReport: Codable, Sendable, Hashable {
  public var pid: Int
  public var version: String
  /// The executable's build id; empty if it has none.
  public var build: String
  /// RFC 3339.
  public var since: String
  public var socket: String
  public var log: String

  public init(pid: Int, version: String, build: String = "", since: String, socket: String, log: String) {
    self.pid = pid
    self.version = version
    self.build = build
    self.since = since
    self.socket = socket
    self.log = log
  }
}

/// Everything that the daemon holds, as `status` shows it.
public struct StatusReport: Codable, Sendable, Hashable {
  public var daemon: DaemonReport?
  public var intercepts: [InterceptReport]
  public var forwards: [ForwardReport]
  /// Shells and proxies.
  public var outbound: [OutboundReport]
  public var sessions: [SessionReport]
  /// Intercepts that ended while this daemon ran, the latest last; at most ten.
  public var left: [LeaveReport]
  /// Remarks that are no problem; nil in an earlier daemon's answer.
  public var notes: [String]?

  public init(
    daemon: DaemonReport?, intercepts: [InterceptReport] = [], forwards: [ForwardReport] = [],
    outbound: [OutboundReport] = [],
    sessions: [SessionReport] = [], left: [LeaveReport] = [], notes: [String] = []
  ) {
    self.notes = notes
    self.outbound = outbound
    self.left = left
    self.daemon = daemon
    self.intercepts = intercepts
    self.forwards = forwards
    self.sessions = sessions
  }
}

/// A Service, as `list` shows it: whether it can be intercepted, and whether it is.
public struct ListEntry: Codable, Sendable, Hashable {
  /// The kubeconfig's name for the cluster.
  public var context: String
  public var namespace: String
  public var service: String
  /// `8080/http-port`.
  public var ports: [String]
  /// The value of the agent's label in the Service's selector; nil unless it is diverted.
  public var workload: String?
  /// The reason why it cannot be intercepted; nil if it can.
  public var obstacle: String?
  /// The option that `intercept` needs for it; nil if it needs none.
  public var option: String?
  /// The holder of the intercept; nil unless it is diverted.
  public var interceptedBy: String?
  /// The holders who take some requests only; nil if there are none.
  public var personal: [Personal]?
  public var since: String?

  /// A holder of some of a Service's requests.
  public struct Personal: Codable, Sendable, Hashable {
    public var holder: String
    public var rules: RequestRules

    public init(holder: String, rules: RequestRules) {
      self.holder = holder
      self.rules = rules
    }
  }

  public init(
    context: String, namespace: String, service: String, ports: [String], workload: String?, obstacle: String?,
    option: String? = nil, interceptedBy: String?, personal: [Personal]? = nil, since: String?
  ) {
    self.personal = personal
    self.option = option
    self.context = context
    self.namespace = namespace
    self.service = service
    self.ports = ports
    self.workload = workload
    self.obstacle = obstacle
    self.interceptedBy = interceptedBy
    self.since = since
  }
}

/// The outcome of `restore`.
public struct RestoreReport: Codable, Sendable, Hashable {
  /// Changes that were undone, a line each.
  public var done: [String]
  /// Objects that were left because someone uses them, a line each.
  public var left: [String]
  public init(done: [String] = [], left: [String] = []) {
    self.done = done
    self.left = left
  }
}

/// One check of `doctor`.
public struct DoctorCheck: Codable, Sendable, Hashable {
  public enum Outcome: String, Codable, Sendable { case ok, warning, failed, skipped }
  public var name: String
  public var outcome: Outcome
  public var detail: String
  /// The advice on what to do, or to ask an administrator for.
  public var remedy: String?
  public init(_ name: String, _ outcome: Outcome, _ detail: String, remedy: String? = nil) {
    self.name = name
    self.outcome = outcome
    self.detail = detail
    self.remedy = remedy
  }
}
