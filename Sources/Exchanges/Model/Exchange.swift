/// A request of HTTP and its answer, as they passed through a connection of this machine.
public struct Exchange: Codable, Sendable, Hashable, Identifiable {
  /// A field of a head or of trailers, in the order of the message.
  public struct Field: Codable, Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The bytes of a message's body that were kept.
  public struct Body: Codable, Sendable, Hashable {
    public var bytes: [UInt8]
    /// False if the message had more than these.
    public var isWhole: Bool

    public init(_ bytes: [UInt8], isWhole: Bool = true) {
      self.bytes = bytes
      self.isWhole = isWhole
    }
  }

  public struct Request: Codable, Sendable, Hashable {
    public var method: String
    /// The `Host` field or the `:authority`; empty if there was none.
    public var authority: String
    /// Path and query, as they were sent.
    public var target: String
    public var fields: [Field]
    /// The size of the body, bytes.
    public var size: Int
    /// Nil if bodies were not kept.
    public var body: Body?

    public init(
      method: String, authority: String, target: String, fields: [Field] = [], size: Int = 0, body: Body? = nil
    ) {
      self.method = method
      self.authority = authority
      self.target = target
      self.fields = fields
      self.size = size
      self.body = body
    }
  }

  public struct Answer: Codable, Sendable, Hashable {
    public var status: Int
    public var fields: [Field]
    public var trailers: [Field]
    /// The size of the body, bytes.
    public var size: Int
    /// Nil if bodies were not kept.
    public var body: Body?

    public init(status: Int, fields: [Field] = [], trailers: [Field] = [], size: Int = 0, body: Body? = nil) {
      self.status = status
      self.fields = fields
      self.trailers = trailers
      self.size = size
      self.body = body
    }
  }

  /// The way on which it came to this machine, or left it.
  public enum Way: String, Codable, Sendable, Hashable { case intercept, forward, shell }

  /// The side that answered.
  public enum Taker: Codable, Sendable, Hashable {
    /// This machine's process; of a forward or a shell, the cluster.
    case host
    /// The workload's own Pods.
    case origin
    /// Another person, by the name of their claim.
    case holder(String)
  }

  /// Ascending in the order of the requests; unique in one daemon.
  public var id: UInt64
  public var way: Way
  public var taker: Taker
  /// The Service or target; empty if it is not known.
  public var service: String
  public var namespace: String
  /// The port of the workload, or of the target.
  public var port: Int
  /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
  public var version: String
  /// Seconds since 1970.
  public var start: Double
  /// Seconds until the answer's head, and until its end; nil before.
  public var wait: Double?
  public var duration: Double?
  public var request: Request
  /// Nil without an answer.
  public var answer: Answer?
  /// The reason for which it has no whole answer, such as `the connection was reset`; nil if it has one.
  public var failure: String?

  public init(
    id: UInt64, way: Way, taker: Taker, service: String, namespace: String, port: Int, version: String, start: Double,
    wait: Double? = nil, duration: Double? = nil, request: Request, answer: Answer? = nil, failure: String? = nil
  ) {
    self.id = id
    self.way = way
    self.taker = taker
    self.service = service
    self.namespace = namespace
    self.port = port
    self.version = version
    self.start = start
    self.wait = wait
    self.duration = duration
    self.request = request
    self.answer = answer
    self.failure = failure
  }
}

extension Exchange {
  /// The number of a gRPC call's status, from its trailers or from an answer without a body; nil for other requests.
  public var grpcStatus: Int? {
    guard let answer else { return nil }
    for field in answer.trailers + answer.fields where field.name.lowercased() == "grpc-status" {
      return Int(field.value)
    }
    return nil
  }
}
