/// The types of messages, as `FileDescriptorProto` describes them (google/protobuf/descriptor.proto).
struct ProtobufTypes: Sendable, Hashable {
  struct Field: Sendable, Hashable {
    var name: String
    /// Of `FieldDescriptorProto.Type`.
    var kind: Int
    /// The type of a message, such as `.shop.User`.
    var type: String
    var isRepeated: Bool
  }

  /// By the type's full name, then by the field's number.
  private(set) var messages: [String: [Int: Field]] = [:]
  /// The types of a method's answers, by its path, such as `/shop.Users/Get`.
  private(set) var answers: [String: String] = [:]
  /// Types of more files, or more types, are not kept.
  private static let limit = 20_000

  /// Adds the types of a file.
  mutating func add(file bytes: [UInt8]) {
    guard let fields = ProtobufFields.all(bytes) else { return }
    let package = fields.first { $0.number == 2 }.map { "." + Self.text($0.value) } ?? ""
    for (number, value) in fields {
      if number == 4 { addMessage(value, in: package, depth: 0) }
      if number == 6 { addService(value, in: package) }
    }
  }

  private mutating func addMessage(_ value: ProtobufFields.Value, in scope: String, depth: Int) {
    guard depth < 32, messages.count < Self.limit, let fields = Self.fields(value) else { return }
    let name = "\(scope).\(fields.first { $0.number == 1 }.map { Self.text($0.value) } ?? "")"
    var known: [Int: Field] = [:]
    for (number, value) in fields {
      if number == 3 { addMessage(value, in: name, depth: depth + 1) }
      guard number == 2, let field = Self.fields(value) else { continue }
      var made = Field(name: "", kind: 0, type: "", isRepeated: false)
      var key = 0
      for (number, value) in field {
        switch (number, value) {
        case (1, _): made.name = Self.text(value)
        case (3, .varint(let number)): key = Int(truncatingIfNeeded: number)
        case (4, .varint(let label)): made.isRepeated = label == 3
        case (5, .varint(let kind)): made.kind = Int(truncatingIfNeeded: kind)
        case (6, _): made.type = Self.text(value)
        default: break
        }
      }
      if !made.name.isEmpty { known[key] = made }
    }
    messages[name] = known
  }

  private mutating func addService(_ value: ProtobufFields.Value, in package: String) {
    guard answers.count < Self.limit, let fields = Self.fields(value) else { return }
    let service = fields.first { $0.number == 1 }.map { Self.text($0.value) } ?? ""
    let prefix = package.isEmpty ? service : "\(package.dropFirst()).\(service)"
    for (number, value) in fields where number == 2 {
      guard let method = Self.fields(value) else { continue }
      let name = method.first { $0.number == 1 }.map { Self.text($0.value) } ?? ""
      answers["/\(prefix)/\(name)"] = method.first { $0.number == 3 }.map { Self.text($0.value) }
    }
  }

  private static func fields(_ value: ProtobufFields.Value) -> [(number: Int, value: ProtobufFields.Value)]? {
    if case .bytes(let bytes) = value { ProtobufFields.all(bytes) } else { nil }
  }

  private static func text(_ value: ProtobufFields.Value) -> String {
    if case .bytes(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { "" }
  }
}
