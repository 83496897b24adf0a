import Exchanges

// The way of a request from a client in the cluster to a process here, as `devtunnel explain` looks at it.

/// `devtunnel explain`: probes each hop between a Service's name and this machine, now. Nothing is changed, but for a
/// gateway with `makesGateway`.
public struct WayRequest: ControlRequest, Hashable {
  public typealias Reply = WayReport
  public static var method: Method { .way }

  public var cluster: ClusterSelection
  public var service: String
  /// The Service's port, by number or name; nil: the intercepted one, else the first.
  public var port: String?
  /// The request whose taker is looked for; nil: any.
  public var head: WayHead?
  /// True if a gateway may be made, to connect from inside the cluster.
  public var makesGateway = false

  public init(cluster: ClusterSelection, service: String, port: String? = nil, head: WayHead? = nil) {
    self.cluster = cluster
    self.service = service
    self.port = port
    self.head = head
  }
}

/// The head of a request that somebody would send.
public struct WayHead: Codable, Sendable, Hashable {
  /// `GET`.
  public var method: String
  /// The path, with the query.
  public var target: String
  public var headers: [Exchange.Field]

  public init(method: String, target: String, headers: [Exchange.Field] = []) {
    self.method = method
    self.target = target
    self.headers = headers
  }
}

/// One hop of the way.
public struct WayHop: Codable, Sendable, Hashable {
  public typealias Outcome = DoctorCheck.Outcome

  /// `Service`, `Pods`, `endpoints`…
  public var name: String
  public var outcome: Outcome
  /// The finding, in one sentence.
  public var detail: String
  /// The facts behind it, a line each.
  public var evidence: [String]
  /// A command or an edit that helps.
  public var remedy: String?

  public init(_ name: String, _ outcome: Outcome, _ detail: String, evidence: [String] = [], remedy: String? = nil) {
    self.name = name
    self.outcome = outcome
    self.detail = detail
    self.evidence = evidence
    self.remedy = remedy
  }
}

/// The daemon's part of the way: all hops up to this machine.
public struct WayReport: Codable, Sendable, Hashable {
  /// The end of the way on this machine.
  public struct Host: Codable, Sendable, Hashable {
    public var address: String
    public var port: UInt16
    /// True if the address is inside a shell, which other programs do not reach.
    public var isInShell: Bool
    /// True if the Service's port says that its clients speak TLS.
    public var expectsTLS: Bool

    public init(address: String, port: UInt16, isInShell: Bool = false, expectsTLS: Bool = false) {
      self.address = address
      self.port = port
      self.isInShell = isInShell
      self.expectsTLS = expectsTLS
    }
  }

  public var context: String
  public var namespace: String
  public var service: String
  /// The Service's port that was looked at, such as `80/http`; nil if there is none.
  public var port: String?
  public var hops: [WayHop]
  /// The side to which a request goes if nothing fails: `the workload's own Pods`, `bob@desk`; nil for this machine.
  public var taker: String?
  /// Nil if nothing of it comes here.
  public var host: Host?

  public init(
    context: String, namespace: String, service: String, port: String? = nil, hops: [WayHop], taker: String? = nil,
    host: Host? = nil
  ) {
    self.context = context
    self.namespace = namespace
    self.service = service
    self.port = port
    self.hops = hops
    self.taker = taker
    self.host = host
  }
}
