import Exchanges
import TerminalText

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One line for an exchange: `10:02:00.123 user GET /api?page=2 → 200, 12 ms, 0 B ↑ 345 B ↓, here`.
struct RequestLine {
  let text: String

  /// - Parameter time: of the request's start.
  init(_ exchange: Exchange, time: String) {
    var parts = [Self.result(exchange)]
    if let duration = exchange.duration { parts.append(Self.duration(duration)) }
    parts.append("\(Self.size(exchange.request.size)) ↑ \(Self.size(exchange.answer?.size ?? 0)) ↓")
    parts.append(Self.taker(exchange))
    if let failure = exchange.failure { parts.append(failure) }
    let service = exchange.service.isEmpty ? "-" : exchange.service
    text = TerminalText.cell(
      "\(time) \(service) \(exchange.request.method) \(Self.shortened(exchange.request.target)) → "
        + parts.joined(separator: ", "))
  }

  private static func result(_ exchange: Exchange) -> String {
    guard let answer = exchange.answer else { return exchange.duration == nil ? "…" : "no answer" }
    if let status = exchange.grpcStatus { return grpcName(status) }
    return "\(answer.status)"
  }

  private static func taker(_ exchange: Exchange) -> String {
    switch (exchange.way, exchange.taker) {
    case (.forward, .host): "forward"
    case (.shell, .host): "shell"
    case (.intercept, .host): "here"
    case (_, .origin): "origin"
    case (_, .holder(let name)): name
    }
  }

  private static let mostTarget = 200

  private static func shortened(_ target: String) -> String {
    target.count <= mostTarget ? target : target.prefix(mostTarget - 1) + "…"
  }

  /// Returns `0.8 ms`, `12 ms`, `1.5 s`, `2 min`.
  static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<0.01: "\((seconds * 10_000).rounded() / 10) ms"
    case ..<1: "\(Int((seconds * 1000).rounded())) ms"
    case ..<120: "\((seconds * 10).rounded() / 10) s"
    default: "\(Int(exactly: (seconds / 60).rounded()) ?? .max) min"
    }
  }

  /// Returns `345 B`, `12 kB`, `3.4 MB`.
  static func size(_ bytes: Int) -> String {
    switch bytes {
    case ..<1000: "\(bytes) B"
    case ..<10_000: "\((Double(bytes) / 100).rounded() / 10) kB"
    case ..<1_000_000: "\(bytes / 1000) kB"
    default: "\((Double(bytes) / 100_000).rounded() / 10) MB"
    }
  }

  /// Names a gRPC status (grpc.io, "Status codes").
  static func grpcName(_ status: Int) -> String {
    let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
      "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
    return names.indices.contains(status) ? names[status] : "gRPC status \(status)"
  }
}

/// The time of day here.
struct LocalTime: Sendable {
  init() { tzset() }

  /// Returns `10:02:00.123`.
  /// - Parameter seconds: since 1970.
  func text(_ seconds: Double) -> String {
    guard var whole = time_t(exactly: seconds.rounded(.down)) else { return "-" }
    var parts = tm()
    guard localtime_r(&whole, &parts) != nil else { return "-" }
    func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let millis = Int((seconds - seconds.rounded(.down)) * 1000)
    let fraction = String("00\(millis)".suffix(3))
    return "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec)).\(fraction)"
  }
}
