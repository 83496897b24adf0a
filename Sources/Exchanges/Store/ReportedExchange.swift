/// An exchange of which only this is known: an agent has told it. An agent may have been changed, so nothing of it is
/// taken that no request can have.
public struct ReportedExchange: Sendable {
  var isHTTP2: Bool
  var method: [UInt8]
  var target: [UInt8]
  /// 0 if it is not known.
  var status: Int
  var grpcStatus: Int?
  /// Seconds since 1970.
  var end: Double
  var duration: Double
  var requestSize: Int
  var answerSize: Int

  private static let longestMethod = 32
  private static let longestTarget = 1024
  /// Seconds: a month.
  private static let longest = 31.0 * 86_400
  /// A number that JSON's readers keep exact.
  private static let largestBody = 1 << 53

  /// Nil if the method is none (RFC 9110, section 9.1), or if the target has a blank or a control character, by which
  /// it could bring fields of its own. Numbers are brought into their bounds.
  public init?(
    isHTTP2: Bool, method: [UInt8], target: [UInt8], status: Int, grpcStatus: Int?, end: Double, duration: Double,
    requestSize: Int, answerSize: Int
  ) {
    guard (1...Self.longestMethod).contains(method.count), method.allSatisfy(\.isTokenByte) else { return nil }
    // A CONNECT of HTTP/2 has no path.
    guard target.count <= Self.longestTarget, isHTTP2 || !target.isEmpty else { return nil }
    guard target.allSatisfy({ $0 > 32 && $0 != 127 }) else { return nil }
    self.isHTTP2 = isHTTP2
    self.method = method
    self.target = target
    self.status = (100...999).contains(status) ? status : 0
    self.grpcStatus = grpcStatus
    self.end = end
    self.duration = min(max(duration, 0), Self.longest)
    self.requestSize = min(max(requestSize, 0), Self.largestBody)
    self.answerSize = min(max(answerSize, 0), Self.largestBody)
  }

  func observed(_ id: UInt64, at place: ObservedPlace) -> ObservedExchange {
    let request: ObservedHead =
      isHTTP2
      ? .fields([(":method", method), (":path", target)])
      : .lines(method + [32] + target + Array(" HTTP/1.1\r\n\r\n".utf8))
    var exchange = ObservedExchange(
      id: id, place: place, version: isHTTP2 ? .http2 : .http11, start: end - duration, request: request)
    exchange.duration = duration
    exchange.requestBody.size = requestSize
    exchange.answerBody.size = answerSize
    if status > 0 {
      exchange.answer =
        isHTTP2 ? .fields([(":status", Array("\(status)".utf8))]) : .lines(Array("HTTP/1.1 \(status)\r\n\r\n".utf8))
    }
    if let grpcStatus { exchange.trailers = .fields([("grpc-status", Array("\(grpcStatus)".utf8))]) }
    return exchange
  }
}

extension ObservedHead {
  static func fields(_ fields: [(String, [UInt8])]) -> ObservedHead {
    var head = ObservedHead(bytes: [], sizes: [])
    for (name, value) in fields {
      head.bytes += Array(name.utf8)
      head.bytes += value
      head.sizes? += [name.utf8.count, value.count]
    }
    return head
  }
}
