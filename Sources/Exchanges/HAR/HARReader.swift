import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads an entry of a HAR. Fields that other tools leave out have defaults; one with a wrong meaning is an error.
struct HARReader {
  private let entry: JSONValue
  private let index: Int
  private let own: JSONValue

  init(_ entry: JSONValue, index: Int) {
    self.entry = entry
    self.index = index
    own = entry["_devtunnel"] ?? [:]
  }

  func exchange() throws(HARError) -> Exchange {
    guard entry.objectValue != nil else { throw error("", "is no object") }
    guard let request = entry["request"], request.objectValue != nil else { throw error(".request", "is missing") }
    var exchange = Exchange(
      id: UInt64(exactly: own["id"]?.intValue ?? index + 1) ?? UInt64(index + 1),
      way: own["way"]?.stringValue.flatMap(Exchange.Way.init) ?? .forward, taker: taker,
      service: try text("service"), namespace: try text("namespace"),
      port: own["port"]?.intValue.map { min(max($0, 0), 65535) } ?? 0,
      version: version(request["httpVersion"]?.stringValue ?? ""), start: try start(),
      request: try self.request(request))
    exchange.answer = try answer()
    let own = own.objectValue ?? [:]
    if entry["_devtunnel"] != nil {
      exchange.wait = seconds(own["wait"])
      exchange.duration = seconds(own["duration"])
      exchange.failure = own["failure"]?.stringValue
    } else {
      exchange.duration = seconds(entry["time"]).map { $0 / 1000 }
      exchange.wait = seconds(entry[path: "timings", "wait"]).map { $0 / 1000 }
      if exchange.answer == nil {
        exchange.failure = entry[path: "response", "_error"]?.stringValue ?? "the file has no answer"
      }
    }
    return exchange
  }

  private func error(_ field: String, _ problem: String) -> HARError {
    HARError(field: "log.entries[\(index)]\(field)", problem)
  }

  // MARK: Facts

  /// A name of ours, which goes to a terminal and into a request to the cluster.
  private func text(_ name: String) throws(HARError) -> String {
    guard let value = own[name] else { return "" }
    guard let text = value.stringValue, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw error("._devtunnel.\(name)", "is no name")
    }
    return text
  }

  private var taker: Exchange.Taker {
    switch own["taker"]?.stringValue {
    case "origin": .origin
    case "holder": .holder(own["holder"]?.stringValue ?? "")
    default: .host
    }
  }

  private func start() throws(HARError) -> Double {
    guard let text = entry["startedDateTime"]?.stringValue else {
      throw error(".startedDateTime", "is missing: the order of the requests follows from it")
    }
    guard let seconds = HARTime.seconds(text) else {
      throw error(".startedDateTime", "is no time, such as 2026-12-01T08:25:00.000Z")
    }
    return seconds
  }

  private func seconds(_ value: JSONValue?) -> Double? {
    let number: Double? =
      switch value {
      case .int(let number): Double(number)
      case .double(let number): number
      default: nil
      }
    return number.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }

  private func version(_ text: String) -> String {
    switch text.lowercased() {
    case "http/1.0": "HTTP/1.0"
    case "http/2", "http/2.0", "h2", "http/3", "http/3.0", "h3", "h3-29": "HTTP/2"
    default: "HTTP/1.1"
    }
  }

  // MARK: Messages

  private func request(_ request: JSONValue) throws(HARError) -> Exchange.Request {
    guard let method = request["method"]?.stringValue else { throw error(".request.method", "is missing") }
    guard Self.isToken(method) else { throw error(".request.method", "is no method of HTTP") }
    guard let text = request["url"]?.stringValue else { throw error(".request.url", "is missing") }
    guard var url = HARURL(text) else { throw error(".request.url", "is no URL that begins with http:// or https://") }
    if let target = own["target"]?.stringValue {
      guard !target.isEmpty, target.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
        throw error("._devtunnel.target", "is no target of a request")
      }
      url.target = target
    }
    let fields = try self.fields(request["headers"], ".request.headers")
    if let authority = own["authority"]?.stringValue { url.authority = authority }
    let named = fields.first { [":authority", "host"].contains($0.name.lowercased()) }?.value
    guard url.authority.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw error("._devtunnel.authority", "is no host")
    }
    let body = try requestBody(request["postData"])
    return Exchange.Request(
      method: method, authority: named ?? url.authority, target: url.target,
      fields: fields.filter { !$0.name.hasPrefix(":") },
      size: try size(request["bodySize"], ".request.bodySize") ?? body?.bytes.count ?? 0, body: body)
  }

  private func requestBody(_ data: JSONValue?) throws(HARError) -> Exchange.Body? {
    let isWhole = own["requestIsWhole"]?.boolValue
    guard let data, !data.isNull else { return isWhole.map { Exchange.Body([], isWhole: $0) } }
    guard data.objectValue != nil else { throw error(".request.postData", "is no object") }
    let encoding = data["encoding"] ?? data["_encoding"]
    if let bytes = try bytes(data["text"], encoding, ".request.postData"), !bytes.isEmpty {
      return Exchange.Body(bytes, isWhole: isWhole ?? true)
    }
    let form = (data["mimeType"]?.stringValue ?? "").hasPrefix("application/x-www-form-urlencoded")
    guard form, let parameters = data["params"]?.arrayValue, !parameters.isEmpty else {
      return isWhole.map { Exchange.Body([], isWhole: $0) }
    }
    let pairs = parameters.map { "\($0["name"]?.stringValue ?? "")=\($0["value"]?.stringValue ?? "")" }
    return Exchange.Body(Array(pairs.joined(separator: "&").utf8))
  }

  private func answer() throws(HARError) -> Exchange.Answer? {
    guard let response = entry["response"], !response.isNull else { return nil }
    guard response.objectValue != nil else { throw error(".response", "is no object") }
    guard let status = response["status"]?.intValue, (0...999).contains(status) else {
      throw error(".response.status", "is no status of HTTP")
    }
    guard status >= 100 else { return nil }
    let content = response["content"]
    var body: Exchange.Body?
    if let bytes = try bytes(content?["text"], content?["encoding"], ".response.content") {
      body = Exchange.Body(bytes, isWhole: own["answerIsWhole"]?.boolValue ?? true)
    }
    let size = try size(content?["size"], ".response.content.size")
    return Exchange.Answer(
      status: status,
      fields: try fields(response["headers"], ".response.headers").filter { !$0.name.hasPrefix(":") },
      trailers: try fields(own["trailers"], "._devtunnel.trailers"), size: size ?? body?.bytes.count ?? 0, body: body)
  }

  private func fields(_ list: JSONValue?, _ place: String) throws(HARError) -> [Exchange.Field] {
    guard let list, !list.isNull else { return [] }
    guard let list = list.arrayValue else { throw error(place, "is no list") }
    var fields: [Exchange.Field] = []
    for (number, field) in list.enumerated() {
      guard let name = field["name"]?.stringValue, Self.isToken(name.hasPrefix(":") ? String(name.dropFirst()) : name)
      else { throw error("\(place)[\(number)].name", "is no name of a header field") }
      guard let value = field["value"]?.stringValue else { throw error("\(place)[\(number)].value", "is no text") }
      // Browsers join the values of Set-Cookie with newlines.
      let values = place == ".response.headers" ? value.split(whereSeparator: \.isNewline) : [value[...]]
      for value in values.isEmpty ? [""] : values {
        guard !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
          throw error("\(place)[\(number)].value", "contains a line break or a zero byte")
        }
        fields.append(Exchange.Field(name, String(value)))
      }
    }
    return fields
  }

  /// - Returns: nil without a text.
  private func bytes(_ text: JSONValue?, _ encoding: JSONValue?, _ place: String) throws(HARError) -> [UInt8]? {
    guard let text, !text.isNull else { return nil }
    guard let text = text.stringValue else { throw error("\(place).text", "is no text") }
    switch encoding?.stringValue ?? "" {
    case "": return Array(text.utf8)
    case "base64":
      // Some tools break its lines.
      guard let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
        throw error("\(place).text", "is no base64")
      }
      return Array(data)
    default: throw error("\(place).encoding", "is neither base64 nor absent")
    }
  }

  /// - Returns: nil if it is not known; HAR has -1 for that.
  private func size(_ value: JSONValue?, _ place: String) throws(HARError) -> Int? {
    guard let value, !value.isNull else { return nil }
    guard let size = value.intValue else { throw error(place, "is no whole number") }
    return size < 0 ? nil : size
  }

  /// Token of RFC 9110, section 5.6.2.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}
