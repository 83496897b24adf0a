/// Counts of outbound traffic, for `status`.
public struct OutboundFigures: Sendable, Equatable {
  public struct TCP: Sendable, Equatable {
    /// Connections so far, by route.
    public var viaCluster: UInt64 = 0
    public var viaHost: UInt64 = 0
    public var viaHostLoopback: UInt64 = 0
    /// Dials that failed, by any route.
    public var refused: UInt64 = 0
    /// Connections now.
    public var open = 0
  }

  public struct UDP: Sendable, Equatable {
    /// Flows so far, by route.
    public var viaCluster: UInt64 = 0
    public var viaHost: UInt64 = 0
    public var sentDatagrams: UInt64 = 0
    public var receivedDatagrams: UInt64 = 0
    /// Datagrams without room, a tunnel, or a socket to leave from.
    public var droppedDatagrams: UInt64 = 0
    /// Flows answered with port unreachable.
    public var refused: UInt64 = 0
    /// Flows removed for newer ones.
    public var evicted: UInt64 = 0
    /// Flows now.
    public var open = 0
  }

  public struct DNS: Sendable, Equatable {
    public var queries: UInt64 = 0
    public var fromCache: UInt64 = 0
    public var fromCluster: UInt64 = 0
    public var fromHost: UInt64 = 0
    /// Answered by devtunnel itself (`host.devtunnel.internal`, AAAA without IPv6, messages that are not queries).
    public var fromSelf: UInt64 = 0
    /// Queries that waited for the answer to the same question.
    public var joined: UInt64 = 0
    /// SERVFAIL because no answer came.
    public var unanswered: UInt64 = 0
    /// Answers over UDP that were cut, so that the client asks again over TCP.
    public var truncated: UInt64 = 0
    public var malformed: UInt64 = 0
    /// Answers in the cache now.
    public var cached = 0
  }

  public struct Proxy: Sendable, Equatable {
    public var socks: UInt64 = 0
    public var http: UInt64 = 0
    /// Clients that spoke neither, or were not served.
    public var rejected: UInt64 = 0
  }

  public var tcp = TCP()
  public var udp = UDP()
  public var dns = DNS()
  public var proxy = Proxy()
  /// The last problem, for the user.
  public var lastProblem: String?
  /// Addresses in the cluster DNS's answers, which therefore go via the cluster.
  public var learnedAddresses = 0
  /// The newest last; 32 at most.
  public var lastQueries: [DNSQueryRecord] = []
}

/// One query, as `status` shows it.
public struct DNSQueryRecord: Sendable, Equatable {
  public enum Source: String, Sendable {
    case cache, cluster, host, own
  }
  public var name: String
  /// `A`, `SRV`, or `TYPE65`.
  public var type: String
  /// `NOERROR`, `NXDOMAIN`, or `RCODE9`.
  public var rcode: String
  public var source: Source
  /// The time from the query to the answer.
  public var microseconds: UInt64
}

/// The counters that all parts share. Belongs to the relay's thread.
final class OutboundCounters {
  var tcp = OutboundFigures.TCP()
  var udp = OutboundFigures.UDP()
  var dns = OutboundFigures.DNS()
  var proxy = OutboundFigures.Proxy()
  private(set) var lastProblem: String?
  private var queries: [DNSQueryRecord] = []
  private var nextQuery = 0
  static let keptQueries = 32

  func problem(_ text: String) { lastProblem = text }

  func record(_ query: DNSQueryRecord) {
    if queries.count < Self.keptQueries { queries.append(query) } else { queries[nextQuery] = query }
    nextQuery = (nextQuery + 1) % Self.keptQueries
  }

  var lastQueries: [DNSQueryRecord] {
    queries.count < Self.keptQueries ? queries : Array(queries[nextQuery...] + queries[..<nextQuery])
  }
}
