import ControlAPI
import KubeObjects
import Workloads

/// The facts about one Service and its surroundings, as the cluster and the daemon told them a moment ago.
public struct WayFacts: Sendable {
  public var namespace: String
  /// The Service's name.
  public var name: String
  /// The Service's port as it was asked for.
  public var wantedPort: String?
  public var head: WayHead?
  /// Nil if there is none of that name.
  public var service: JSONValue?
  /// The namespace's other Services, if there is none of that name.
  public var others: [String] = []
  /// Namespaces that have a Service of that name, if this one has none.
  public var elsewhere: [String] = []
  /// The Service's EndpointSlices.
  public var slices: [JSONValue] = []
  /// All Pods of the namespace; nil if they may not be read.
  public var pods: [JSONValue]?
  /// Deployments, ReplicaSets, StatefulSets and DaemonSets of the namespace.
  public var workloads: [JSONValue] = []
  /// The namespace's Warning events.
  public var events: [JSONValue] = []
  public var policies: [JSONValue] = []
  public var holders: [WayHolder] = []
  /// This daemon's intercept of the Service.
  public var own: InterceptReport?
  /// True if an earlier daemon of this user had intercepted it.
  public var isFormerDaemons = false
  /// Those who get the request, in the agent's order; nil without claims.
  public var takers: [WayTaker]?
  public var session: WaySession?
  public var inside = WayInside.skipped("")
  /// The outcome of a connection to the Pods' target port, if it was tried.
  public var podAnswer: WayAnswer?

  public init(namespace: String, name: String, wantedPort: String? = nil, head: WayHead? = nil) {
    self.namespace = namespace
    self.name = name
    self.wantedPort = wantedPort
    self.head = head
  }
}

/// Someone who intercepts the Service.
public struct WayHolder: Sendable, Hashable {
  /// `alice@laptop`.
  public var name: String
  public var isOwn: Bool
  /// The requests that they take, as text; nil for all.
  public var rules: String?
  /// Seconds since their Lease was renewed; nil if there is none.
  public var leaseAge: Double?

  public init(name: String, isOwn: Bool, rules: String? = nil, leaseAge: Double?) {
    self.name = name
    self.isOwn = isOwn
    self.rules = rules
    self.leaseAge = leaseAge
  }
}

/// Someone who takes a request.
public struct WayTaker: Sendable, Hashable {
  public var name: String
  public var isOwn: Bool
  /// The conditions of the rule that it meets; nil for a holder of all.
  public var rule: [String]?

  public init(name: String, isOwn: Bool, rule: [String]?) {
    self.name = name
    self.isOwn = isOwn
    self.rule = rule
  }
}

/// This daemon's tunnel to the Service's agent.
public struct WaySession: Sendable, Hashable {
  /// `connecting`, `connected` or `silent`.
  public var state: String
  public var pod: String?
  public var carrier: String?
  /// Milliseconds that a question to the agent and its answer took just now; nil if there was no answer.
  public var answered: Double?
  public var problem: String?

  public init(state: String, pod: String?, carrier: String?, answered: Double?, problem: String?) {
    self.state = state
    self.pod = pod
    self.carrier = carrier
    self.answered = answered
    self.problem = problem
  }
}

/// The outcome of a connection from inside the cluster.
public enum WayAnswer: Sendable, Hashable {
  case connected, refused, timedOut, unreachable
  case failed(String)
}

/// A connection from inside the cluster to the Service's address.
public enum WayInside: Sendable, Hashable {
  /// It was not tried; the reason.
  case skipped(String)
  case tried(pod: String, address: String, WayAnswer, milliseconds: Double)
}
