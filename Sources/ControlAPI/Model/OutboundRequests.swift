// Connections from the host into the cluster: shells, proxies, host-wide routes.

/// The destinations that are reached through the cluster, and from the host, if they differ from the default.
public struct OutboundOptions: Codable, Sendable, Hashable {
  /// CIDRs.
  public var viaCluster: [String] = []
  public var viaHost: [String] = []
  public var allViaCluster = false
  /// Domain suffixes that the host's own resolvers answer.
  public var dnsHost: [String] = []
  /// Domain suffixes, beside the cluster's own, that cluster DNS answers; their addresses are reached through the
  /// cluster.
  public var dnsCluster: [String] = []

  public init() {}
}

/// The choice of a workload's variables for the host; `*` at a name's end matches anything.
public struct VariableChoice: Codable, Sendable, Hashable {
  /// Taken over although they may run code here or are the user's own.
  public var include: [String]
  /// Left out, even if `include` names them.
  public var exclude: [String]

  public init(include: [String] = [], exclude: [String] = []) {
    self.include = include
    self.exclude = exclude
  }
}

/// `devtunnel shell`, and `devtunnel intercept … -- COMMAND`.
public struct ShellRequest: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  /// The Service or `KIND/NAME` whose place in the cluster the shell takes: environment, files, labels. With neither,
  /// it has only the namespace.
  public var service: String?
  public var workload: String?
  public var container: String?
  public var agentImage: String?
  public var outbound = OutboundOptions()
  /// Connections to 127.0.0.1 at these ports go to the host's own.
  public var hostPorts: [UInt16] = []
  /// Copies the files of persistent volumes too.
  public var volumes = false
  /// The choice of the workload's variables to take over.
  public var variables = VariableChoice()
  /// Absolute paths at and below which volumes may be, although programs of this machine look for code or settings
  /// there.
  public var volumesAt: [String] = []
  /// The user's home directory, the working directory and those of PATH: no volume is put into them.
  public var ownDirectories: [String] = []
  /// An intercept that lasts as long as the shell; its target is the port inside.
  public var intercept: InterceptRequest?

  public init(cluster: ClusterSelection) { self.cluster = cluster }
}

/// A shell that is ready to be entered: the command starts `helper` with `plan`.
public struct ShellReport: Codable, Sendable, Hashable {
  public var id: String
  public var context: String
  public var namespace: String
  /// The workload, such as `Deployment/user`; nil for the namespace alone.
  public var workload: String?
  /// The helper's program and its plan, a file.
  public var helper: String
  public var plan: String
  /// Variables to add to the command's own environment.
  public var environment: [String: String]
  public var intercept: InterceptReport?
  public var warnings: [String]

  public init(
    id: String, context: String, namespace: String, workload: String?, helper: String, plan: String,
    environment: [String: String],
    intercept: InterceptReport? = nil, warnings: [String] = []
  ) {
    self.id = id
    self.context = context
    self.namespace = namespace
    self.workload = workload
    self.helper = helper
    self.plan = plan
    self.environment = environment
    self.intercept = intercept
    self.warnings = warnings
  }
}

/// `devtunnel connect --proxy`.
public struct ConnectRequest: Codable, Sendable, Hashable {
  public var cluster: ClusterSelection
  public var address = "127.0.0.1"
  /// 0 takes any free port.
  public var port: UInt16 = 0
  public var agentImage: String?
  public var outbound = OutboundOptions()
  /// For the whole machine: contexts of clusters on it, which keep their addresses. Those that can be found need no
  /// naming.
  public var localContexts: [String] = []
  /// CIDRs from which addresses are taken in place of those that this machine uses already; empty: ranges that are free
  /// nearly everywhere.
  public var mapInto: [String] = []
  /// For the whole machine: interfaces whose guests are routed too, beside the bridges that are found; `cali*` names
  /// all that begin so.
  public var bridges: [String] = []

  public init(cluster: ClusterSelection) { self.cluster = cluster }
}

/// `devtunnel disconnect`.
public struct DisconnectRequest: Codable, Sendable, Hashable {
  /// The proxy's id; nil for the only one.
  public var id: String?
  public init(id: String? = nil) { self.id = id }
}

/// One shell or proxy, as `status` shows it.
public struct OutboundReport: Codable, Sendable, Hashable {
  /// A DNS query and its answer.
  public struct Query: Codable, Sendable, Hashable {
    public var name: String
    public var type: String
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`… (RFC 1035).
    public var answer: String
    /// `cluster`, `host`, `cache`.
    public var source: String
    public var milliseconds: Double

    public init(name: String, type: String, answer: String, source: String, milliseconds: Double) {
      self.name = name
      self.type = type
      self.answer = answer
      self.source = source
      self.milliseconds = milliseconds
    }
  }

  public var id: String
  /// `shell`, `proxy` or `host`.
  public var kind: String
  public var context: String
  public var namespace: String
  public var workload: String?
  /// The shell's helper.
  public var pid: Int?
  /// The proxy's address, such as `127.0.0.1:1080`.
  public var address: String?
  /// Variables that make programs use the proxy; they contain its password, if it has one.
  public var variables: [String: String]?
  public var clusterConnections: UInt64 = 0
  public var hostConnections: UInt64 = 0
  public var refused: UInt64 = 0
  public var flows = 0
  public var queries: UInt64 = 0
  public var cachedQueries: UInt64 = 0
  public var lastQueries: [Query] = []
  public var lastProblem: String?
  /// Warnings about a port that other machines reach.
  public var warnings: [String] = []

  public init(id: String, kind: String, context: String, namespace: String, workload: String? = nil) {
    self.id = id
    self.kind = kind
    self.context = context
    self.namespace = namespace
    self.workload = workload
  }
}
