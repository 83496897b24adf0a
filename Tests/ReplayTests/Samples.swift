import Exchanges
import HTTPMessages
import KubeObjects

@testable import Replay

/// Exchanges as they were kept.
enum Samples {
  static func exchange(
    _ method: String = "GET", _ target: String = "/items?page=1", fields: [Exchange.Field] = [], body: String? = nil,
    answer: Exchange.Answer? = .init(status: 200), start: Double = 0, version: String = "HTTP/1.1",
    service: String = "web"
  ) -> Exchange {
    Exchange(
      id: 1, way: .intercept, taker: .host, service: service, namespace: "shop", port: 80, version: version,
      start: start,
      request: .init(
        method: method, authority: "web.shop", target: target, fields: fields, size: body?.utf8.count ?? 0,
        body: body.map { .init(Array($0.utf8)) }), answer: answer)
  }

  static func answer(_ body: String, type: String = "application/json", status: Int = 200) -> Exchange.Answer {
    answer(Array(body.utf8), type: type, status: status)
  }

  static func answer(_ body: [UInt8], type: String = "application/json", status: Int = 200) -> Exchange.Answer {
    .init(status: status, fields: [.init("content-type", type)], size: body.count, body: .init(body))
  }

  static func pattern(_ text: String) -> TextPattern { TextPattern(Array(text.utf8)) ?? TextPattern(exactly: []) }

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0 }
  }
}
