#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

// Each message is one line of JSON:
//   command to daemon   {"version": …, "build": …, "method": …, "params": …}, once
//   daemon to command   {"progress": "…"} and, of some methods, {"item": …}, any number; then {"result": …} or
//                       {"error": …}, once
// When the command closes its sending side, the daemon cancels the request; it still answers.

/// The sender and the method of a request; read first, since the request's type follows from it.
public struct RequestEnvelope: Codable, Sendable, Hashable {
  public var version: String
  public var build: String
  public var method: String

  public init(_ build: BuildVersion, method: String) {
    self.version = build.version
    self.build = build.build
    self.method = method
  }

  public var from: BuildVersion { BuildVersion(version: version, build: build) }
}

struct RequestLine<Request: ControlRequest>: Codable, Sendable {
  var version: String
  var build: String
  var method: String
  var params: Request

  init(_ build: BuildVersion, _ request: Request) {
    self.version = build.version
    self.build = build.build
    self.method = Request.method.rawValue
    self.params = request
  }
}

/// A line from the daemon: exactly one of the three is set.
public struct Answer<Result: Codable & Sendable>: Codable, Sendable {
  public var progress: String?
  public var result: Result?
  public var error: ControlError?

  public static func progress(_ text: String) -> Answer { Answer(progress: text) }
  public static func result(_ result: Result) -> Answer { Answer(result: result) }
  public static func error(_ error: ControlError) -> Answer { Answer(error: error) }
}

/// A line from the daemon with one item of an answer that comes in many.
public struct ItemLine<Item: Codable & Sendable>: Codable, Sendable {
  public var item: Item

  public init(_ item: Item) { self.item = item }

  /// The beginning of such a line, which tells it from an `Answer` before it is parsed.
  static var prefix: [UInt8] { Array(#"{"item":"#.utf8) }
}

package enum WireCoding {
  /// - Throws: `.badInput`, with the problem and its place.
  package static func decode<Value: Decodable>(_ type: Value.Type, _ line: [UInt8]) throws(ControlError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(line))
    } catch let problem as DecodingError {
      throw ControlError(.badInput, "a message on the control socket is not understood: \(describe(problem))")
    } catch {
      throw ControlError(.badInput, "a message on the control socket is not understood: \(error)")
    }
  }

  package static func encode(_ value: some Encodable) throws(ControlError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    // JSON has no infinity; a clock that reports one must not lose the whole answer.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do { return [UInt8](try encoder.encode(value)) } catch {
      throw ControlError(.failed, "a message could not be written as JSON: \(error)")
    }
  }

  /// Decodes the request in a line whose method is known.
  package static func request<Request: ControlRequest>(_ type: Request.Type, _ line: [UInt8]) throws(ControlError)
    -> Request
  {
    try decode(RequestLine<Request>.self, line).params
  }

  private static func describe(_ problem: DecodingError) -> String {
    func path(_ keys: [any CodingKey]) -> String {
      keys.isEmpty ? "the message" : keys.map(\.stringValue).joined(separator: ".")
    }
    return switch problem {
    case .keyNotFound(let key, let context): "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "\(path(context.codingPath)): \(context.debugDescription)"
    @unknown default: "\(problem)"
    }
  }
}
