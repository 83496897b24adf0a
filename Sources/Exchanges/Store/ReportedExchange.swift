/// An exchange of which only this is known: an agent has told it.
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

  public init(
    isHTTP2: Bool, method: [UInt8], target: [UInt8], status: Int, grpcStatus: Int?, end: Double, duration: Double,
    requestSize: Int, answerSize: Int
  ) {
    self.isHTTP2 = isHTTP2
    self.method = method
    self.target = target
    self.status = status
    self.grpcStatus = grpcStatus
    self.end = end
    self.duration = duration
    self.requestSize = requestSize
    self.answerSize = answerSize
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
