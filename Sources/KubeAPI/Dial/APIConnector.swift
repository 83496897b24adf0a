import CCurl
import Synchronization

/// Another way to an API server than TCP from here: libcurl connects to a socket of this process, which the connector
/// leads on. TLS, reuse of connections and timeouts stay libcurl's; no name is resolved here, and proxies are passed
/// by.
public struct APIConnector: Sendable {
  /// Connections are shared between requests whose connectors have the same one, and never otherwise. A new one each
  /// time.
  public struct Identity: Sendable, Hashable {
    let number: UInt32
    public init() { number = next.add(1, ordering: .relaxed).oldValue }
  }

  /// Why a socket came to its end.
  public struct Failure: Sendable, Hashable {
    public var problem: String
    /// What a person can do.
    public var remedy: String
    /// The socket led to the server before: a request may have reached it.
    public var wasOpen: Bool
    /// Waiting may help.
    public var isTransient: Bool

    public init(problem: String, remedy: String, wasOpen: Bool, isTransient: Bool) {
      self.problem = problem
      self.remedy = remedy
      self.wasOpen = wasOpen
      self.isTransient = isTransient
    }
  }

  /// A connection of libcurl's that is about to come: whoever is given it, takes or closes it, once.
  public struct Incoming: Sendable {
    /// A listening socket, non-blocking; readable when the connection may be there.
    public let listener: Int32
    let peer: UInt16

    /// - - Returns: the connection, non-blocking and close-on-exec, the caller's; nil while it is not there. The
    ///   listener is closed with it.
    public func take() -> Int32? {
      let socket = ccurl_take(listener, peer)
      guard socket >= 0 else { return nil }
      close()
      return socket
    }

    public func close() { ccurl_close(listener) }
  }

  /// Leads a connection to the server; its bytes may wait until the way is there. To refuse it, or at the way's end:
  /// call `failed`, then close. Must not block: it runs on the thread of all requests.
  public typealias Connect =
    @Sendable (_ host: String, _ port: UInt16, _ incoming: Incoming, _ failed: @escaping @Sendable (Failure) -> Void) ->
    Void

  /// What leads there, for messages: `ssh://user@host`.
  public let name: String
  public let identity: Identity
  let connect: Connect

  public init(name: String, identity: Identity = Identity(), connect: @escaping Connect) {
    self.name = name
    self.identity = identity
    self.connect = connect
  }

  /// An address that no server has (RFC 1112, section 4, class E): libcurl asks no resolver for it, and keeps
  /// connections apart by it.
  var placeholder: String {
    let number = identity.number
    return "\(240 | number >> 24 & 15).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }
}

private let next = Atomic<UInt32>(1)

/// A handle's use of a connector, and what became of the last socket.
final class ConnectorSocket: Sendable {
  private let connector: APIConnector
  private let host: String
  private let port: UInt16
  private let state = Mutex<APIConnector.Failure?>(nil)

  init(_ connector: APIConnector, server: ServerURL) {
    self.connector = connector
    host = server.host
    port = UInt16(clamping: server.port)
  }

  /// Makes libcurl ask here for its sockets. The handle must keep this object.
  func attach(to handle: CurlHandle, _ server: ServerURL) throws(KubeError) {
    try handle.set(CURLOPT_CONNECT_TO, list: ["::\(connector.placeholder):\(server.port)"])
    try handle.set(CURLOPT_PROXY, "")
    ccurl_setopt_open_socket(
      handle.pointer,
      { context, _, address in Unmanaged<ConnectorSocket>.fromOpaque(context!).takeUnretainedValue().open(address!) },
      Unmanaged.passUnretained(self).toOpaque())
    // The peer is this process, and may wait: no TCP_USER_TIMEOUT.
    ccurl_setopt_socket(handle.pointer) { _, _, _ in CInt(CURL_SOCKOPT_OK) }
  }

  private func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
    state.withLock { $0 = nil }
    var listener: CInt = -1
    var peer: UInt16 = 0
    let socket = ccurl_lead_to(address, &listener, &peer)
    if socket >= 0 {
      connector.connect(host, port, APIConnector.Incoming(listener: listener, peer: peer)) { [self] failure in
        state.withLock { $0 = failure }
      }
    }
    return socket
  }

  /// Why the socket ended, where the connector said so.
  func error(server: String) -> KubeError? {
    guard let failure = state.withLock({ $0 }) else { return nil }
    if failure.wasOpen { return .connectionLost(server: server, cause: failure.problem) }
    if failure.isTransient { return .unreachable(server: server, cause: failure.problem) }
    return .config(file: connector.name, problem: failure.problem, remedy: failure.remedy)
  }
}
