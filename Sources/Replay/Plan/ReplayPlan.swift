import Exchanges

/// A request as it is sent again.
public struct ReplayRequest: Sendable, Hashable {
  public var method: String
  public var authority: String
  public var target: String
  public var fields: [Exchange.Field]
  public var body: [UInt8]?
  /// True for HTTP/2 without TLS, false for HTTP/1.1.
  public var isHTTP2: Bool
}

/// The requests of a file, in order, and those that cannot be sent again.
public struct ReplayPlan: Sendable {
  public struct Step: Sendable {
    public var exchange: Exchange
    /// Seconds after the first request.
    public var offset: Double
    /// The reason for which it is not sent; nil if it is.
    public var obstacle: String?
    public var request: ReplayRequest
  }

  public let steps: [Step]
  /// The Services of the requests, as `namespace/name`.
  public let services: Set<String>

  public init(_ exchanges: [Exchange], _ options: ReplayOptions) {
    let chosen = exchanges.filter { options.includes($0.request) }
    let first = chosen.first?.start ?? 0
    steps = chosen.map { exchange in
      let request = Self.request(exchange, options)
      return Step(
        exchange: exchange, offset: max(0, exchange.start - first), obstacle: Self.obstacle(exchange, request),
        request: request)
    }
    services = Set(chosen.filter { !$0.service.isEmpty }.map { "\($0.namespace)/\($0.service)" })
  }

  /// Fields that belong to the connection, that the sender makes itself, or that would give a compressed answer.
  private static let dropped: Set<String> = [
    "accept-encoding", "connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
    "proxy-connection", "transfer-encoding", "upgrade",
  ]

  static func request(_ exchange: Exchange, _ options: ReplayOptions) -> ReplayRequest {
    let request = exchange.request
    let names = Set(options.fields.map { $0.name.lowercased() })
    let kept = request.fields.filter { field in
      let name = field.name.lowercased()
      return !dropped.contains(name) && !names.contains(name) && (name != "te" || field.value == "trailers")
    }
    // A browser's HTTP/2 is inside of TLS; plain servers speak HTTP/1.1.
    let isHTTP2 = exchange.version == "HTTP/2" && !exchange.service.isEmpty || exchange.isGRPC
    return ReplayRequest(
      method: request.method, authority: options.host ?? request.authority, target: request.target,
      fields: kept + options.fields, body: request.body?.bytes, isHTTP2: isHTTP2)
  }

  /// The text in place of a value that was hidden when it was written.
  static let hidden = "***"

  static func obstacle(_ exchange: Exchange, _ request: ReplayRequest) -> String? {
    // The agent reports neither fields nor bodies of the requests that others get.
    if exchange.way == .intercept, exchange.taker != .host { return "it was not for this machine: no fields were kept" }
    guard let answer = exchange.answer else { return "it had no answer: \(exchange.failure ?? "none was kept")" }
    if answer.status == 101 || request.method == "CONNECT" { return "it began another protocol" }
    if exchange.failure != nil { return "its answer was not whole: \(exchange.failure ?? "")" }
    if let field = request.fields.first(where: { $0.value.contains(hidden) }) {
      let name = field.name.lowercased()
      return "its \(name) was hidden: give --header '\(name)=…', or record with --show-secrets"
    }
    if request.target.contains(hidden) { return "a parameter was hidden: record with --show-secrets" }
    guard let body = exchange.request.body else {
      return exchange.request.size > 0 ? "its body was not kept: record with --bodies" : nil
    }
    if !body.isWhole { return "its body was not kept whole" }
    let mark = Array(hidden.utf8)
    let isText = String(validating: body.bytes, as: UTF8.self) != nil
    if isText, body.bytes.indices.contains(where: { body.bytes[$0...].starts(with: mark) }) {
      return "a value in its body was hidden: record with --show-secrets"
    }
    return nil
  }
}

extension Exchange {
  /// True for a call of gRPC.
  var isGRPC: Bool { request.fields.value("content-type")?.hasPrefix("application/grpc") == true }
}

extension [Exchange.Field] {
  /// The first value of a field, by its name in small letters.
  func value(_ name: String) -> String? { first { $0.name.lowercased() == name }?.value }
}
