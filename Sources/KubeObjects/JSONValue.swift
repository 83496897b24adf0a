#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A JSON document as a value: for Kubernetes objects that devtunnel must pass on without losing a field.
///
/// Numbers keep the difference between whole and fractional ones, as Kubernetes does (`int-or-string`, quantities).
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue {
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var intValue: Int? {
    switch self {
    case .int(let value): Int(value)
    case .double(let value) where value == value.rounded(): Int(exactly: value)
    default: nil
    }
  }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
  public var isNull: Bool { self == .null }

  /// The elements of an array; empty for anything else, so that an absent list reads as an empty one.
  public var elements: [JSONValue] { arrayValue ?? [] }

  /// The string members of an object, as labels, annotations and selectors are.
  public var stringMap: [String: String] { (objectValue ?? [:]).compactMapValues(\.stringValue) }

  /// A member of an object. Reading from anything else gives nil; writing turns it into an object, and nil removes.
  public subscript(key: String) -> JSONValue? {
    get { objectValue?[key] }
    set {
      var members = objectValue ?? [:]
      members[key] = newValue
      self = .object(members)
    }
  }

  /// An element of an array; nil out of its bounds.
  public subscript(index: Int) -> JSONValue? {
    guard let array = arrayValue, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// The value at the end of a path of members; nil if one is absent.
  public subscript(path path: String...) -> JSONValue? {
    get { path.reduce(Optional(self)) { $0?[$1] } }
    set { set(newValue, at: path[...]) }
  }

  private mutating func set(_ value: JSONValue?, at path: ArraySlice<String>) {
    guard let key = path.first else {
      self = value ?? .null
      return
    }
    if path.count == 1 {
      self[key] = value
    } else {
      var child = self[key] ?? .object([:])
      child.set(value, at: path.dropFirst())
      self[key] = child
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
  }
  public init(nilLiteral: ()) { self = .null }
  public init(floatLiteral value: Double) { self = .double(value) }

  public init(_ value: String) { self = .string(value) }
  public init(_ value: Int) { self = .int(Int64(value)) }
  public init(_ value: Bool) { self = .bool(value) }
  public init(_ value: [String: String]) { self = .object(value.mapValues { .string($0) }) }
  public init(_ value: [JSONValue]) { self = .array(value) }
}

extension JSONValue: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([String: JSONValue].self) {
      self = .object(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .int(value)
    } else {
      self = .double(try container.decode(Double.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// Parses a JSON text (RFC 8259).
  /// - Throws: `DecodingError.dataCorrupted`; its description has line and column of the mistake.
  public init(parsing text: [UInt8]) throws(DecodingError) { self = try JSONParser.parse(text) }
  public init(parsing text: String) throws(DecodingError) { try self.init(parsing: Array(text.utf8)) }

  /// Returns the value as JSON, keys sorted, slashes left alone: the same value gives the same bytes.
  public func serialized(pretty: Bool = false) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
    // Only a double that is not finite can fail, and JSON cannot contain one.
    return Array((try? encoder.encode(self)) ?? Data())
  }
}

extension JSONValue: CustomStringConvertible {
  public var description: String { String(decoding: serialized(), as: UTF8.self) }
}
