import KubeObjects

/// A message of JSON-RPC 2.0 (https://www.jsonrpc.org/specification), as a client sends it: one line of JSON.
enum RPCMessage: Sendable, Hashable {
  case request(id: RPCID, method: String, params: JSONValue)
  case notification(method: String, params: JSONValue)
  /// An answer; this side asks nothing, so it needs none.
  case answer
  /// The line is no message; the id if it can be read.
  case invalid(RPCFailure, id: RPCID?)

  init(line: [UInt8]) {
    let value: JSONValue
    do { value = try JSONValue(parsing: line) } catch {
      self = .invalid(RPCFailure(.parse, "the line is no JSON: \(Self.reason(error))"), id: nil)
      return
    }
    guard value.objectValue != nil else {
      let reason = value.arrayValue == nil ? "a message is a JSON object" : "send each message on a line of its own"
      self = .invalid(RPCFailure(.invalidRequest, reason), id: nil)
      return
    }
    let id = value["id"].flatMap(RPCID.init)
    guard let method = value["method"]?.stringValue else {
      let isAnswer = value["result"] != nil || value["error"] != nil
      self = isAnswer ? .answer : .invalid(RPCFailure(.invalidRequest, "the message has no method"), id: id)
      return
    }
    guard value["jsonrpc"] == "2.0" else {
      self = .invalid(RPCFailure(.invalidRequest, #"the member jsonrpc must be "2.0""#), id: id)
      return
    }
    let params = value["params"] ?? [:]
    if let id {
      self = .request(id: id, method: method, params: params)
    } else if value["id"] == nil {
      self = .notification(method: method, params: params)
    } else {
      self = .invalid(RPCFailure(.invalidRequest, "an id is a string or a whole number"), id: nil)
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    if case .dataCorrupted(let context) = error { return context.debugDescription }
    return "\(error)"
  }
}

/// The id of a request.
enum RPCID: Sendable, Hashable {
  case text(String)
  case number(Int64)

  init?(_ value: JSONValue) {
    switch value {
    case .string(let text): self = .text(text)
    case .int(let number): self = .number(number)
    default: return nil
    }
  }

  var json: JSONValue {
    switch self {
    case .text(let text): .string(text)
    case .number(let number): .int(number)
    }
  }
}

/// An error of the protocol, in contrast to one of a tool.
struct RPCFailure: Error, Sendable, Hashable {
  enum Code: Int, Sendable {
    case parse = -32700
    case invalidRequest = -32600
    case unknownMethod = -32601
    case invalidParams = -32602
    /// MCP, resources/read: there is no such resource.
    case unknownResource = -32002
    case busy = -32000
  }

  var code: Code
  var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// The messages that go to the client.
enum RPCReply {
  static func result(_ result: JSONValue, of id: RPCID) -> JSONValue {
    ["jsonrpc": "2.0", "id": id.json, "result": result]
  }

  /// - Parameter id: nil for a message whose id cannot be read.
  static func failure(_ failure: RPCFailure, of id: RPCID?) -> JSONValue {
    [
      "jsonrpc": "2.0", "id": id?.json ?? .null,
      "error": ["code": JSONValue(failure.code.rawValue), "message": .string(failure.message)],
    ]
  }

  static func notification(_ method: String, _ params: JSONValue) -> JSONValue {
    ["jsonrpc": "2.0", "method": .string(method), "params": params]
  }
}

/// Cuts a client's bytes into lines. A line that is too long is left out, and what comes behind it counts again.
struct RPCLines: Sendable {
  enum Line: Sendable, Hashable {
    case text([UInt8])
    case tooLong
  }

  let limit: Int
  private var partial: [UInt8] = []
  private var isTooLong = false

  init(limit: Int = 4 << 20) { self.limit = limit }

  /// Takes bytes.
  /// - Returns: the lines that they complete, without empty ones.
  mutating func take(_ bytes: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      keep(rest[..<end])
      if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
      if isTooLong { lines.append(.tooLong) } else if !partial.isEmpty { lines.append(.text(partial)) }
      (partial, isTooLong) = ([], false)
      rest = rest[(end + 1)...]
    }
    keep(rest)
    return lines
  }

  private mutating func keep(_ part: ArraySlice<UInt8>) {
    isTooLong = isTooLong || partial.count + part.count > limit
    if isTooLong { partial = [] } else { partial += part }
  }
}
