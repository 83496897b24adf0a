/// The fields of a message in the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
struct ProtobufFields: Sequence, IteratorProtocol {
  enum Value: Hashable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes([UInt8])
  }

  private var rest: ArraySlice<UInt8>
  /// True if the bytes are no message from here on.
  private(set) var isBroken = false

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func next() -> (number: Int, value: Value)? {
    guard !rest.isEmpty, !isBroken else { return nil }
    guard let key = varint(), let number = Int(exactly: key >> 3), (1...0x1FFF_FFFF).contains(number),
      let value = value(key & 7)
    else {
      isBroken = true
      return nil
    }
    return (number, value)
  }

  /// Returns all fields; nil if the bytes are no message.
  static func all(_ bytes: [UInt8]) -> [(number: Int, value: Value)]? {
    var fields = ProtobufFields(bytes)
    var result: [(number: Int, value: Value)] = []
    while let field = fields.next() { result.append(field) }
    return fields.isBroken ? nil : result
  }

  private mutating func value(_ type: UInt64) -> Value? {
    switch type {
    case 0: varint().map { .varint($0) }
    case 1: take(8).map { .fixed64($0.reversed().reduce(0) { $0 << 8 | UInt64($1) }) }
    case 5: take(4).map { .fixed32($0.reversed().reduce(0) { $0 << 8 | UInt32($1) }) }
    case 2:
      varint().flatMap { Int(exactly: $0) }.flatMap { take($0) }.map { .bytes(Array($0)) }
    default: nil
    }
  }

  mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }

  private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
