import CCurl
import Synchronization

/// Another way to an API server than TCP from here: it opens a stream socket that libcurl takes as connected. TLS, reuse of connections and timeouts
/// stay libcurl's; no name is resolved here, and proxies are passed by.
public struct APIConnector: Sendable {
  /// Connections are shared between requests whose connectors have the same one, and never otherwise. A new one each time.
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

  /// Must not block: it runs on the thread of all requests. What is written to the socket may wait until the way is there. The socket is the caller's;
  /// whoever ends the other side calls `failed` before.
  public typealias Connect = @Sendable (_ host: String, _ port: UInt16, _ failed: @escaping @Sendable (Failure) -> Void) throws(Failure) -> Int32

  /// What leads there, for messages: `ssh://user@host`.
  public let name: String
  public let identity: Identity
  let connect: Connect

  public init(name: String, identity: Identity = Identity(), connect: @escaping Connect) {
    self.name = name
    self.identity = identity
    self.connect = connect
  }

  /// An address that no server has (RFC 1112, section 4, class E): libcurl asks no resolver for it, and keeps connections apart by it.
  var placeholder: String {
    let number = identity.number
    return "\(240 | number >> 24 & 15).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }
}

extension APIConnector.Failure: Error {}

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
    port = UInt16(server.port)
  }

  /// Makes libcurl ask here for its sockets. The handle must keep this object.
  func attach(to handle: CurlHandle, _ server: ServerURL) throws(KubeError) {
    try handle.set(CURLOPT_CONNECT_TO, list: ["::\(connector.placeholder):\(server.port)"])
    try handle.set(CURLOPT_PROXY, "")
    ccurl_setopt_open_socket(
      handle.pointer, { context, _, _ in Unmanaged<ConnectorSocket>.fromOpaque(context!).takeUnretainedValue().open() },
      Unmanaged.passUnretained(self).toOpaque())
    ccurl_setopt_socket(handle.pointer) { _, _, _ in CInt(CURL_SOCKOPT_ALREADY_CONNECTED) }
  }

  private func open() -> curl_socket_t {
    state.withLock { $0 = nil }
    do throws(APIConnector.Failure) {
      return try connector.connect(host, port) { [self] failure in state.withLock { $0 = failure } }
    } catch {
      state.withLock { $0 = error }
      return -1  // CURL_SOCKET_BAD
    }
  }

  /// Why the socket ended, where the connector said so.
  func error(server: String) -> KubeError? {
    guard let failure = state.withLock({ $0 }) else { return nil }
    if failure.wasOpen { return .connectionLost(server: server, cause: failure.problem) }
    if failure.isTransient { return .unreachable(server: server, cause: failure.problem) }
    return .config(file: connector.name, problem: failure.problem, remedy: failure.remedy)
  }
}
