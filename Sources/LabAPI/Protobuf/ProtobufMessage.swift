import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The names in JSON of a protobuf message's fields.
struct ProtobufMessage: Sendable {
  indirect enum FieldType: Sendable {
    case string, bool
    /// A number that Kubernetes leaves out of JSON when it is 0.
    case int
    /// A number that means something when it is 0.
    case optionalInt
    case intOrString
    case message(ProtobufMessage)
    case list(FieldType)
    case stringMap
    /// Values become base64, as JSON has them.
    case bytesMap
    /// A field that only the server writes.
    case ignored
  }

  var fields: [UInt64: (name: String, type: FieldType)]

  init(_ fields: [UInt64: (name: String, type: FieldType)]) { self.fields = fields }

  /// The message as JSON. Empty values are left out, as they are in Kubernetes' JSON.
  /// - Throws: `StatusError` (400 or 415) for bytes that are no such message or hold fields that are not known here.
  func decode(_ bytes: ArraySlice<UInt8>) throws -> JSONValue {
    var reader = ProtobufReader(bytes)
    var object: [String: JSONValue] = [:]
    while let (number, value) = try reader.next() {
      guard let field = fields[number] else {
        if value.isEmpty { continue }
        throw StatusError.unsupportedMediaType(
          "the lab does not know field \(number) of this protobuf message: send JSON (kubectl apply does)")
      }
      switch field.type {
      case .list(let type):
        if let element = try Self.json(value, type, keepsEmpty: true) {
          object[field.name] = .array((object[field.name]?.elements ?? []) + [element])
        }
      case .stringMap, .bytesMap:
        let (key, entry) = try Self.mapEntry(value)
        var isText = false
        if case .stringMap = field.type { isText = true }
        object[field.name, default: [:]][key] = .string(
          isText ? String(decoding: entry, as: UTF8.self) : Data(entry).base64EncodedString())
      default: object[field.name] = try Self.json(value, field.type)
      }
    }
    return .object(object)
  }

  private static func json(_ value: ProtobufReader.Value, _ type: FieldType, keepsEmpty: Bool = false) throws
    -> JSONValue?
  {
    switch (type, value) {
    case (.string, .bytes(let bytes)):
      return bytes.isEmpty && !keepsEmpty ? nil : .string(String(decoding: bytes, as: UTF8.self))
    case (.bool, .varint(let number)): return number == 0 ? nil : true
    case (.int, .varint(let number)): return number == 0 ? nil : .int(Int64(bitPattern: number))
    case (.optionalInt, .varint(let number)): return .int(Int64(bitPattern: number))
    case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
    case (.message(let schema), .bytes(let bytes)):
      let object = try schema.decode(bytes)
      return object == [:] && !keepsEmpty ? nil : object
    case (.ignored, _): return nil
    default: throw ProtobufReader.malformed
    }
  }

  private static func intOrString(_ bytes: ArraySlice<UInt8>) throws -> JSONValue? {
    let fields = try ProtobufMessage([1: ("type", .int), 2: ("int", .int), 3: ("string", .string)]).decode(bytes)
    return fields["type"] == 1 ? fields["string"] : fields["int"]
  }

  private static func mapEntry(_ value: ProtobufReader.Value) throws -> (String, ArraySlice<UInt8>) {
    guard case .bytes(let bytes) = value else { throw ProtobufReader.malformed }
    var reader = ProtobufReader(bytes)
    var key = ""
    var entry: ArraySlice<UInt8> = []
    while let (number, value) = try reader.next() {
      guard case .bytes(let content) = value else { throw ProtobufReader.malformed }
      if number == 1 { key = String(decoding: content, as: UTF8.self) } else { entry = content }
    }
    return (key, entry)
  }
}

/// Reads the wire format: field numbers with their values.
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    case bytes(ArraySlice<UInt8>)
    case fixed

    /// Says nothing: an empty message or string, or 0.
    var isEmpty: Bool {
      switch self {
      case .varint(let number): number == 0
      case .bytes(let bytes): bytes.isEmpty
      case .fixed: false
      }
    }
  }

  static var malformed: StatusError { .badRequest("the body is no well-formed protobuf message") }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func next() throws -> (number: UInt64, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let tag = try varint()
    switch tag & 7 {
    case 0: return (tag >> 3, .varint(try varint()))
    case 1: return (tag >> 3, try skip(8))
    case 2:
      guard let length = Int(exactly: try varint()), length <= rest.count else { throw Self.malformed }
      defer { rest = rest.dropFirst(length) }
      return (tag >> 3, .bytes(rest.prefix(length)))
    case 5: return (tag >> 3, try skip(4))
    default: throw Self.malformed
    }
  }

  private mutating func skip(_ count: Int) throws -> Value {
    guard rest.count >= count else { throw Self.malformed }
    rest = rest.dropFirst(count)
    return .fixed
  }

  private mutating func varint() throws -> UInt64 {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw Self.malformed }
      number |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return number }
    }
    throw Self.malformed
  }
}
