import Exchanges
import KubeAPI

/// Sends requests to one address.
public struct CurlSender: Sendable {
  private let curl = CurlMulti()
  private let host: String
  private let port: UInt16
  private let timeout: Duration

  public init(host: String, port: UInt16, timeout: Duration = .seconds(60)) {
    self.host = host
    self.port = port
    self.timeout = timeout
  }

  public func send(_ request: ReplayRequest) async throws(ReplayFailure) -> Exchange.Answer {
    var plain = PlainRequest(request.method, request.target, host: host, port: port)
    plain.authority = request.authority
    plain.headers = request.fields.map { ($0.name, $0.value) }
    plain.body = request.body
    plain.isHTTP2 = request.isHTTP2
    plain.timeout = timeout
    do throws(KubeError) {
      let answer = try await curl.send(plain)
      return Exchange.Answer(
        status: answer.status, fields: answer.headers.map { Exchange.Field($0.name, $0.value) },
        trailers: answer.trailers.map { Exchange.Field($0.name, $0.value) }, size: answer.body.count,
        body: Exchange.Body(answer.body))
    } catch {
      throw ReplayFailure(Self.reason(error))
    }
  }

  private static func reason(_ error: KubeError) -> String {
    switch error {
    case .unreachable(_, let cause), .connectionLost(_, let cause): cause
    case .timedOut: "it took too long"
    case .badResponse(_, let problem): problem
    case .cancelled: "it was cancelled"
    default: "\(error)"
    }
  }
}
