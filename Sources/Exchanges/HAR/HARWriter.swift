import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes an exchange as an entry of a HAR.
struct HARWriter {
  private let exchange: Exchange

  init(_ exchange: Exchange) { self.exchange = exchange }

  var entry: JSONValue {
    let wait = milliseconds(exchange.wait ?? exchange.duration)
    let time = max(wait, milliseconds(exchange.duration))
    return [
      "startedDateTime": .string(HARTime.text(exchange.start)), "time": .double(time), "request": request,
      "response": response, "cache": [:],
      "timings": ["send": 0, "wait": .double(wait), "receive": .double(time - wait)], "_devtunnel": own,
    ]
  }

  private func milliseconds(_ seconds: Double?) -> Double {
    guard let seconds, seconds.isFinite, seconds > 0 else { return 0 }
    return (seconds * 1_000_000).rounded() / 1000
  }

  // MARK: Messages

  private var url: String {
    let authority = exchange.request.authority
    let host =
      authority.isEmpty ? "\(exchange.service.isEmpty ? "unknown" : exchange.service):\(exchange.port)" : authority
    let target = exchange.request.target
    return "http://\(host)" + (target.hasPrefix("/") ? target : "/\(target)")
  }

  private var request: JSONValue {
    let request = exchange.request
    var value: JSONValue = [
      "method": .string(request.method), "url": .string(url), "httpVersion": .string(exchange.version),
      "cookies": cookies(request.fields, "cookie"), "headers": fields(request.fields),
      "queryString": fields(HARURL.query(request.target)), "headersSize": -1, "bodySize": JSONValue(request.size),
    ]
    if let body = request.body, !body.bytes.isEmpty {
      var data: JSONValue = ["mimeType": .string(Self.type(request.fields)), "params": []]
      if let text = String(validating: body.bytes, as: UTF8.self) {
        data["text"] = .string(text)
      } else {
        data["text"] = .string(Data(body.bytes).base64EncodedString())
        data["_encoding"] = .string("base64")
      }
      value["postData"] = data
    }
    return value
  }

  private var response: JSONValue {
    guard let answer = exchange.answer else {
      return [
        "status": 0, "statusText": "", "httpVersion": .string(exchange.version), "cookies": [], "headers": [],
        "content": ["size": 0, "mimeType": "x-unknown"], "redirectURL": "", "headersSize": -1, "bodySize": -1,
        "_error": .string(exchange.failure ?? "there was no answer"),
      ]
    }
    var content: JSONValue = ["size": JSONValue(answer.size), "mimeType": .string(Self.type(answer.fields))]
    if let body = answer.body {
      if let text = String(validating: body.bytes, as: UTF8.self) {
        content["text"] = .string(text)
      } else {
        content["text"] = .string(Data(body.bytes).base64EncodedString())
        content["encoding"] = .string("base64")
      }
      if !body.isWhole { content["comment"] = .string("The first \(body.bytes.count) bytes: no more were kept.") }
    }
    let location = answer.fields.first { $0.name.lowercased() == "location" }?.value ?? ""
    return [
      "status": JSONValue(answer.status), "statusText": "", "httpVersion": .string(exchange.version),
      "cookies": cookies(answer.fields, "set-cookie"), "headers": fields(answer.fields), "content": content,
      "redirectURL": .string(location), "headersSize": -1, "bodySize": JSONValue(answer.size),
    ]
  }

  private func fields(_ fields: [Exchange.Field]) -> JSONValue {
    .array(fields.map { ["name": .string($0.name), "value": .string($0.value)] })
  }

  private func cookies(_ fields: [Exchange.Field], _ name: String) -> JSONValue {
    var cookies: [JSONValue] = []
    for field in fields where field.name.lowercased() == name {
      let parts = field.value.split(separator: ";")
      for part in name == "cookie" ? parts : Array(parts.prefix(1)) {
        let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        cookies.append([
          "name": .string(String(pair.first ?? "")), "value": .string(pair.count > 1 ? String(pair[1]) : ""),
        ])
      }
    }
    return .array(cookies)
  }

  private static func type(_ fields: [Exchange.Field]) -> String {
    fields.first { $0.name.lowercased() == "content-type" }?.value ?? "x-unknown"
  }

  // MARK: What HAR has no place for

  private var own: JSONValue {
    var value: JSONValue = [
      "id": .int(Int64(clamping: exchange.id)), "way": .string(exchange.way.rawValue),
      "service": .string(exchange.service), "namespace": .string(exchange.namespace),
      "port": JSONValue(exchange.port),
    ]
    switch exchange.taker {
    case .host: value["taker"] = .string("host")
    case .origin: value["taker"] = .string("origin")
    case .holder(let name):
      value["taker"] = .string("holder")
      value["holder"] = .string(name)
    }
    value["wait"] = exchange.wait.map { .double($0) }
    value["duration"] = exchange.duration.map { .double($0) }
    value["failure"] = exchange.failure.map { .string($0) }
    value["grpcStatus"] = exchange.grpcStatus.map { JSONValue($0) }
    value["requestIsWhole"] = exchange.request.body.map { JSONValue($0.isWhole) }
    value["answerIsWhole"] = exchange.answer?.body.map { JSONValue($0.isWhole) }
    if let trailers = exchange.answer?.trailers, !trailers.isEmpty { value["trailers"] = fields(trailers) }
    if HARURL(url) != HARURL(authority: exchange.request.authority, target: exchange.request.target) {
      value["authority"] = .string(exchange.request.authority)
      value["target"] = .string(exchange.request.target)
    }
    return value
  }
}
