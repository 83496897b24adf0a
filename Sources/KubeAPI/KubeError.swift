import KubeObjects

/// A failure of a call to a Kubernetes API server, or of the connection to one. `description` has the
/// problem and the remedy.
public enum KubeError: Error, Sendable, Hashable {
  /// A kubeconfig or a file it names cannot be used. Lines and columns count from 1.
  case config(file: String, line: Int? = nil, column: Int? = nil, problem: String, remedy: String)
  /// No connection was made: the name does not resolve, or the address refuses or does not answer.
  case unreachable(server: String, cause: String)
  /// The proxy did not connect us to the server. `setBy` is a variable or the kubeconfig; `status` is the answer to
  /// CONNECT (RFC 9110, 9.3.6), 0 without one; `hasCredentials` is true if the proxy's URL had a user.
  case proxy(proxy: String, setBy: String, hasCredentials: Bool, server: String, status: Int, cause: String)
  /// A connection broke during the request: the server may have acted on it.
  case connectionLost(server: String, cause: String)
  /// TLS failed: the server's certificate, or ours.
  case certificate(server: String, cause: String)
  /// The server does not accept the user's credentials (401).
  case unauthorized(server: String, message: String)
  /// The credential plugin of the kubeconfig's user failed.
  case execPlugin(command: String, problem: String, hint: String)
  /// The server's answer, a `Status` object if it sent one: `code` is the HTTP status, `reason` as in
  /// `StatusReason` ("NotFound").
  case status(code: Int, reason: String, message: String, details: JSONValue?)
  /// The server took too long.
  case timedOut(server: String, what: String)
  /// The server's answer is not what the Kubernetes API or RFC 6455 describes.
  case badResponse(server: String, problem: String)
  /// libcurl lacks something, or refuses a value.
  case transport(problem: String)
  /// The task was cancelled.
  case cancelled
}

extension KubeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .config(let file, let line, let column, let problem, let remedy):
      let place = [file, line.map(String.init), column.map(String.init)].compactMap { $0 }.joined(separator: ":")
      return "\(place): \(problem); \(remedy)"
    case .unreachable(let server, let cause):
      return
        "cannot reach the API server \(server): \(cause); "
        + "check the network, the VPN, HTTPS_PROXY and the kubeconfig's server"
    case .proxy(let proxy, let source, let hasCredentials, let server, let status, let cause):
      return Self.proxyText("the proxy \(proxy), set by \(source),", source, hasCredentials, server, status, cause)
    case .connectionLost(let server, let cause):
      return "the connection to the API server \(server) broke: \(cause); try again"
    case .certificate(let server, let cause):
      return
        "TLS with the API server \(server) failed: \(cause); "
        + "check certificate-authority, tls-server-name and the client certificate in the kubeconfig"
    case .unauthorized(let server, let message):
      return
        "the API server \(server) does not accept the credentials: \(message); "
        + "log in again, or check the kubeconfig's user"
    case .execPlugin(let command, let problem, let hint):
      return "the credential plugin \(command) \(problem)" + (hint.isEmpty ? "" : "; \(hint)")
    case .status(let code, let reason, let message, _):
      return "the API server answered \(code)\(reason.isEmpty ? "" : " \(reason)"): \(message)"
    case .timedOut(let server, let what):
      return "the API server \(server) took too long: \(what); check its load and the network, then try again"
    case .badResponse(let server, let problem):
      return
        "\(server) does not answer as a Kubernetes API server: \(problem); "
        + "check the kubeconfig's server and any proxy before it"
    case .transport(let problem):
      return "libcurl: \(problem); check the installed libcurl (7.85 or newer, with OpenSSL)"
    case .cancelled:
      return "cancelled"
    }
  }
}

extension KubeError {
  private static func proxyText(
    _ proxy: String, _ source: String, _ hasCredentials: Bool, _ server: String, _ status: Int, _ cause: String
  ) -> String {
    let server = "the API server \(server)"
    let around =
      source.contains("kubeconfig")
      ? "remove it there" : "name the server in NO_PROXY (a changed variable needs `devtunnel quit`)"
    let without = "or, if the server is reached without it, \(around)"
    return switch status {
    case 0: "\(proxy) does not let us through to \(server): \(cause); check its address, \(without)"
    case 407 where hasCredentials:
      "\(proxy) does not accept the credentials in its URL (407) and does not connect to \(server); "
        + "correct them in \(source)"
    case 407:
      "\(proxy) needs credentials (407) before it connects to \(server); "
        + "write them into \(source), as http://USER:PASSWORD@HOST:PORT"
    case 500...: "\(proxy) cannot reach \(server): it answered \(status); check the server's address, \(without)"
    default:
      "\(proxy) refuses to connect to \(server): it answered \(status); have the server allowed there, \(without)"
    }
  }

  /// Returns the server's answer with an addition to its message.
  func adding(_ words: String) -> KubeError {
    switch self {
    case .status(let code, let reason, let message, let details):
      .status(code: code, reason: reason, message: "\(message) (\(words))", details: details)
    case .unauthorized(let server, let message): .unauthorized(server: server, message: "\(message) (\(words))")
    default: self
    }
  }

  /// The HTTP status of the server's answer, if there was one.
  public var statusCode: Int? {
    switch self {
    case .status(let code, _, _, _): code
    case .unauthorized: 401
    default: nil
    }
  }

  public var isNotFound: Bool { statusCode == 404 }
  public var isConflict: Bool { statusCode == 409 }

  /// An object of the name that is to be created exists.
  public var isAlreadyExists: Bool {
    if case .status(409, "AlreadyExists", _, _) = self { true } else { false }
  }
  public var isForbidden: Bool { statusCode == 403 }

  /// True if the resourceVersion or continue token is older than the server's history.
  public var isGone: Bool { statusCode == 410 }

  /// The beginning of the API server's message if a field of an applied object is unknown, or has a value
  /// of another type.
  public static let untypedObject = "failed to create typed patch object"

  /// True if nothing reached the server: any request may be sent again.
  var wasNotSent: Bool {
    switch self {
    case .unreachable, .proxy: true
    default: false
    }
  }

  /// True if waiting may help: the cause is in the network, or in the server's load.
  var isTransient: Bool {
    switch self {
    case .unreachable, .connectionLost, .timedOut: true
    case .proxy(_, _, _, _, let status, _): status == 0 || status >= 500
    // An apply of an object with a wrong field is answered with 500 too.
    case .status(500, _, let message, _): !message.hasPrefix(Self.untypedObject)
    case .status(let code, _, _, _): code == 429 || code >= 500 && code != 501
    default: false
    }
  }
}
