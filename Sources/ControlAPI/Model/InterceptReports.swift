// The daemon's answers about intercepts, as in Reports.swift.

/// One intercept, as `intercept`, `list` and `status` show it.
public struct InterceptReport: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable {
    /// Being set up; the Service is not diverted.
    case starting
    /// Diverted, and new connections go to the host.
    case active
    /// Diverted, but new connections go to the origin for now; `message` gives the reason.
    case failedOpen
    case leaving
  }

  /// The report on one port of the Service.
  public struct Port: Codable, Sendable, Hashable {
    /// The Service's port.
    public var service: Int
    public var name: String?
    /// The Pods' port.
    public var target: Int
    /// `127.0.0.1:8080`; nil for a port that stays with the origin.
    public var host: String?
    /// Connections since the start; with a `to`, `toHost` counts those to it.
    public var toHost: UInt64
    public var toOrigin: UInt64
    /// The port of `InterceptReport.to`; nil without one, and for a port that stays with the origin.
    public var to: Int?
    /// The Service's port with which it comes along: both target one port of the Pods, which counts their connections
    /// together. Nil for any other.
    public var along: Int?
    /// The number of connections on the origin now, by the reason; nil if there are none.
    public var onOrigin: [OriginCause: Int]?
    /// Requests, and connections of other protocols, whose copies went to the host, and those whose copies are lost.
    /// Nil without a mirror.
    public var copies: UInt64?
    public var lostCopies: UInt64?

    /// The reason why a connection is on the origin.
    public enum OriginCause: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable {
      /// It came before the intercept.
      case earlier
      case refused
      /// The host did not take it within a second.
      case timedOut
      case unreachable
      /// The tunnel was away.
      case away
      /// The host has as many connections as it may.
      case exhausted
      case failed
    }

    public init(
      service: Int, name: String?, target: Int, host: String?, toHost: UInt64 = 0, toOrigin: UInt64 = 0, to: Int? = nil,
      along: Int? = nil
    ) {
      self.to = to
      self.along = along
      self.service = service
      self.name = name
      self.target = target
      self.host = host
      self.toHost = toHost
      self.toOrigin = toOrigin
    }
  }

  /// The target of connections in another cluster.
  public struct Target: Codable, Sendable, Hashable {
    public var context: String
    public var namespace: String
    /// The target as the user named it: `user`, `svc/user`, `pod/user-0`…
    public var target: String

    public init(context: String, namespace: String, target: String) {
      self.context = context
      self.namespace = namespace
      self.target = target
    }
  }

  /// Another person who intercepts Services of the same workload.
  public struct Neighbour: Codable, Sendable, Hashable {
    /// `bob@desk`.
    public var holder: String
    /// Sorted.
    public var services: [String]
    /// The requests that they take; nil if they have all of a port.
    public var rules: RequestRules?

    public init(holder: String, services: [String], rules: RequestRules? = nil) {
      self.rules = rules
      self.holder = holder
      self.services = services
    }
  }

  public var context: String
  /// The cluster's identity; nil in an earlier daemon's answer.
  public var cluster: ClusterIdentity?
  public var namespace: String
  public var service: String
  /// `Deployment/user`.
  public var workload: String
  public var state: State
  public var ports: [Port]
  /// The requests that it takes, as far as no other holder has them; nil for all that arrives.
  public var rules: RequestRules?
  /// `alice@laptop`.
  public var holder: String
  /// RFC 3339.
  public var since: String
  public var message: String?
  /// Remarks that do not stop the intercept.
  public var warnings: [String]
  /// The workload's environment, if it was asked for.
  public var environment: [String: String]?
  /// The target in another cluster; nil for the host.
  public var to: Target?
  /// True if `host` is an address inside a shell, which other programs do not reach; nil otherwise.
  public var inShell: Bool?
  /// Others who intercept Services of the workload; nil if there are none.
  public var others: [Neighbour]?

  public init(
    context: String, cluster: ClusterIdentity, namespace: String, service: String, workload: String, state: State,
    ports: [Port], holder: String,
    since: String, message: String? = nil, warnings: [String] = [], environment: [String: String]? = nil,
    to: Target? = nil
  ) {
    self.to = to
    self.context = context
    self.cluster = cluster
    self.namespace = namespace
    self.service = service
    self.workload = workload
    self.state = state
    self.ports = ports
    self.holder = holder
    self.since = since
    self.message = message
    self.warnings = warnings
    self.environment = environment
  }

  /// The intercept's identity.
  public var id: InterceptID { InterceptID(cluster: cluster ?? .unknown, namespace: namespace, service: service) }
}

/// The answer to an `ExplainRequest`.
public struct ExplainReport: Codable, Sendable, Hashable {
  /// Someone who takes the request.
  public struct Taker: Codable, Sendable, Hashable {
    /// `alice@laptop`; nil for the intercept that the command would make.
    public var holder: String?
    /// The conditions of their strictest rule that the request meets; nil if they take all that arrives.
    public var rule: [String]?

    public init(holder: String?, rule: [String]?) {
      self.holder = holder
      self.rule = rule
    }
  }

  public struct Port: Codable, Sendable, Hashable {
    /// The Service's port.
    public var service: Int
    public var name: String?
    /// The first gets the request, the next one if there were no first; with none, the workload's own Pods.
    public var takers: [Taker]
    /// Those who get a copy; nil if there are none.
    public var copies: [Taker]?

    public init(service: Int, name: String?, takers: [Taker], copies: [Taker] = []) {
      self.copies = copies.isEmpty ? nil : copies
      self.service = service
      self.name = name
      self.takers = takers
    }
  }

  public var context: String
  public var namespace: String
  public var service: String
  public var ports: [Port]

  public init(context: String, namespace: String, service: String, ports: [Port]) {
    self.context = context
    self.namespace = namespace
    self.service = service
    self.ports = ports
  }
}

/// An intercept that has been left.
public struct LeaveReport: Codable, Sendable, Hashable {
  public var service: String
  public var namespace: String
  /// The kubeconfig's name for the cluster; nil in an earlier daemon's answer.
  public var context: String?
  /// The cluster's identity; nil in an earlier daemon's answer.
  public var cluster: ClusterIdentity?
  /// Connections on the host that `--drain` cut.
  public var cut: Int
  /// False if another holder had taken it over: there was nothing to undo.
  public var restored: Bool
  public var message: String?

  public init(_ id: InterceptID, context: String, cut: Int, restored: Bool = true, message: String? = nil) {
    self.restored = restored
    service = id.service
    namespace = id.namespace
    cluster = id.cluster
    self.context = context
    self.cut = cut
    self.message = message
  }

  /// The intercept's identity.
  public var id: InterceptID { InterceptID(cluster: cluster ?? .unknown, namespace: namespace, service: service) }
}
