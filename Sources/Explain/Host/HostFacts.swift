import ControlAPI

/// The facts about the end of the way on this machine.
public struct HostFacts: Sendable {
  /// A listener on the port, on whatever address.
  public struct Listener: Sendable, Hashable {
    public var socket: ListeningSocket
    /// Nil if the process belongs to another user.
    public var pid: Int?
    public var program: String?
    /// True if a signal or a debugger has stopped it.
    public var isStopped: Bool

    public init(_ socket: ListeningSocket, pid: Int? = nil, program: String? = nil, isStopped: Bool = false) {
      self.socket = socket
      self.pid = pid
      self.program = program
      self.isStopped = isStopped
    }
  }

  public var host: WayReport.Host
  public var listeners: [Listener]
  public var connection: WayAnswer
  public var connectionMilliseconds = 0.0
  /// The request that was sent, as `GET /x`; nil without one.
  public var request: String?
  /// True if the person says that the clients speak TLS.
  public var saysTLS = false
  /// The answer to the request, sent without TLS.
  public var plain: HostReply?
  public var plainMilliseconds = 0.0
  /// The answer to a TLS client's first message.
  public var tls: HostReply?

  public init(host: WayReport.Host, listeners: [Listener], connection: WayAnswer) {
    self.host = host
    self.listeners = listeners
    self.connection = connection
  }

  /// True if the Service's clients speak TLS.
  public var expectsTLS: Bool { saysTLS || host.expectsTLS }
  var place: String { host.address.contains(":") ? "[\(host.address)]:\(host.port)" : "\(host.address):\(host.port)" }
}
