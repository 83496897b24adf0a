import CCurl
import Synchronization

/// Another route to an API server than TCP from here: libcurl connects to a socket of this process,
/// which the connector connects further. TLS, reuse of connections and timeouts stay libcurl's; no name
/// is resolved here, and proxies are bypassed.
public struct APIConnector: Sendable {
  /// Connections are shared only between requests whose connectors have the same identity. Each call makes a new one.
  public struct Identity: Sendable, Hashable {
    let number: UInt32
    public init() { number = next.add(1, ordering: .relaxed).oldValue }
  }

  /// The reason why a socket ended.
  public struct Failure: Sendable, Hashable {
    public var problem: String
    /// The remedy for the user.
    public var remedy: String
    /// True if the socket was connected to the server before: a request may have reached it.
    public var wasOpen: Bool
    /// True if waiting may help.
    public var isTransient: Bool

    public init(problem: String, remedy: String, wasOpen: Bool, isTransient: Bool) {
      self.problem = problem
      self.remedy = remedy
      self.wasOpen = wasOpen
      self.isTransient = isTransient
    }
  }

  /// An expected connection of libcurl's: its receiver takes or closes it, once.
  public struct Incoming: Sendable {
    /// A listening socket, non-blocking; readable when the connection may have arrived.
    public let listener: Int32
    let peer: UInt16

    /// - Returns: the connection, non-blocking and close-on-exec, the caller's; nil until it arrives. The
    ///   listener is closed with it.
    public func take() -> Int32? {
      let socket = ccurl_take(listener, peer)
      guard socket >= 0 else { return nil }
      close()
      return socket
    }

    /// Closes the listener, for a receiver that does not take the connection.
    public func close() { ccurl_close(listener) }
  }

  /// Connects the socket to the server; its bytes may wait until the route exists. To refuse it, or at the end: call
  /// `failed`, then close. Must not block: it runs on the thread of all requests.
  public typealias Connect =
    @Sendable (_ host: String, _ port: UInt16, _ incoming: Incoming, _ failed: @escaping @Sendable (Failure) -> Void) ->
    Void

  /// The route's name, for messages: `ssh://user@host`.
  public let name: String
  public let identity: Identity
  let connect: Connect

  public init(name: String, identity: Identity = Identity(), connect: @escaping Connect) {
    self.name = name
    self.identity = identity
    self.connect = connect
  }

  /// An address that no server has (RFC 1112, section 4, class E): libcurl resolves no name for it, and
  /// keeps connections apart by it.
  var placeholder: String {
    let number = identity.number
    return "\(240 | number >> 24 & 15).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }
}

private let next = Atomic<UInt32>(1)

/// A handle's use of a connector, and the end of the last socket.
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

  /// Makes libcurl get its sockets here. The handle must keep this object.
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

  /// Returns the reason for the socket's end, if the connector gave one.
  func error(server: String) -> KubeError? {
    guard let failure = state.withLock({ $0 }) else { return nil }
    if failure.wasOpen { return .connectionLost(server: server, cause: failure.problem) }
    if failure.isTransient { return .unreachable(server: server, cause: failure.problem) }
    return .config(file: connector.name, problem: failure.problem, remedy: failure.remedy)
  }
}
