import KubeObjects

/// Reads messages of Protocol Buffers as JSON, with the names of fields where they are known.
public struct ProtobufReader: Sendable {
  private let types: ProtobufTypes
  /// Messages nest this deep at most.
  private static let depthLimit = 32

  init(_ types: ProtobufTypes) { self.types = types }

  /// Reads a message of a type, such as `.shop.User`.
  func read(_ bytes: [UInt8], type: String) -> JSONValue { read(bytes, type: type, depth: 0) }

  /// Reads a message without names: fields are called by their numbers, and bytes are taken for what they look like.
  public static func untyped(_ bytes: [UInt8]) -> JSONValue {
    ProtobufReader(ProtobufTypes()).read(bytes, type: "", depth: 0)
  }

  private func read(_ bytes: [UInt8], type: String, depth: Int) -> JSONValue {
    guard depth < Self.depthLimit, let fields = ProtobufFields.all(bytes) else { return Self.hex(bytes) }
    var values: [String: [JSONValue]] = [:]
    var lists: Set<String> = []
    for (number, value) in fields {
      let field = types.messages[type]?[number]
      let name = field?.name ?? "\(number)"
      if field?.isRepeated == true { lists.insert(name) }
      // A field that is no list may come again: the last one counts. One without a type may be a list.
      let new = field.map { typed(value, $0, depth) } ?? [guess(value, depth)]
      if field == nil || field?.isRepeated == true {
        values[name, default: []].append(contentsOf: new)
      } else {
        values[name] = new
      }
    }
    var members: [String: JSONValue] = [:]
    for (name, values) in values {
      members[name] = values.count == 1 && !lists.contains(name) ? values[0] : .array(values)
    }
    return .object(members)
  }

  private static func hex(_ bytes: [UInt8]) -> JSONValue {
    let digits = Array("0123456789abcdef")
    return .string("0x" + String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }))
  }

  private func guess(_ value: ProtobufFields.Value, _ depth: Int) -> JSONValue {
    switch value {
    case .varint(let number), .fixed64(let number): return Self.whole(number)
    case .fixed32(let number): return .int(Int64(number))
    case .bytes(let bytes):
      if bytes.isEmpty { return "" }
      let text = String(validating: bytes, as: UTF8.self)
      if let text, !text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }) {
        return .string(text)
      }
      return ProtobufFields.all(bytes) == nil ? Self.hex(bytes) : read(bytes, type: "", depth: depth + 1)
    }
  }

  /// The values of a field; several if numbers are packed.
  private func typed(_ value: ProtobufFields.Value, _ field: ProtobufTypes.Field, _ depth: Int) -> [JSONValue] {
    switch (value, field.kind) {
    case (.bytes(let bytes), 11): return [read(bytes, type: field.type, depth: depth + 1)]
    case (.bytes(let bytes), 9): return [.string(String(decoding: bytes, as: UTF8.self))]
    case (.bytes(let bytes), 12): return [Self.hex(bytes)]
    case (.bytes(let bytes), _): return packed(bytes, field.kind)
    default: return [Self.number(value, field.kind)]
    }
  }

  private func packed(_ bytes: [UInt8], _ kind: Int) -> [JSONValue] {
    var result: [JSONValue] = []
    switch kind {
    case 1, 6, 16:
      for start in stride(from: 0, to: bytes.count - 7, by: 8) {
        let number = bytes[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        result.append(Self.number(.fixed64(number), kind))
      }
    case 2, 7, 15:
      for start in stride(from: 0, to: bytes.count - 3, by: 4) {
        let number = bytes[start..<(start + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        result.append(Self.number(.fixed32(number), kind))
      }
    default:
      var fields = ProtobufFields(bytes)
      while let number = fields.varint() { result.append(Self.number(.varint(number), kind)) }
    }
    return result
  }

  /// - Parameter kind: of `FieldDescriptorProto.Type`.
  private static func number(_ value: ProtobufFields.Value, _ kind: Int) -> JSONValue {
    switch (value, kind) {
    case (.fixed64(let bits), 1): return real(Double(bitPattern: bits))
    case (.fixed32(let bits), 2): return real(Double(Float(bitPattern: bits)))
    case (.fixed64(let bits), 16): return .int(Int64(bitPattern: bits))
    case (.fixed32(let bits), 15): return .int(Int64(Int32(bitPattern: bits)))
    case (.varint(let bits), 8): return .bool(bits != 0)
    case (.varint(let bits), 3), (.varint(let bits), 5), (.varint(let bits), 14): return .int(Int64(bitPattern: bits))
    case (.varint(let bits), 17), (.varint(let bits), 18):
      return .int(Int64(bitPattern: bits >> 1) ^ -Int64(bits & 1))
    case (.varint(let bits), _), (.fixed64(let bits), _): return whole(bits)
    case (.fixed32(let bits), _): return .int(Int64(bits))
    case (.bytes(let bytes), _): return hex(bytes)
    }
  }

  private static func whole(_ number: UInt64) -> JSONValue {
    Int64(exactly: number).map { .int($0) } ?? .string(String(number))
  }

  /// JSON has no infinity.
  private static func real(_ number: Double) -> JSONValue { number.isFinite ? .double(number) : .string("\(number)") }
}
