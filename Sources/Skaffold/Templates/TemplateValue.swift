/// A value in a template.
indirect enum TemplateValue: Hashable, Sendable {
  /// A variable that is not set, with its name for errors; Go's nil.
  case missing(String)
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)
  case list([TemplateValue])
  case dictionary([String: TemplateValue])
  /// Seconds since 1970.
  case time(Int64)

  /// Go's rule for `if`, and Sprig's for `empty`.
  var isTrue: Bool {
    switch self {
    case .missing: false
    case .string(let text): !text.isEmpty
    case .int(let number): number != 0
    case .double(let number): number != 0
    case .bool(let bool): bool
    case .list(let elements): !elements.isEmpty
    case .dictionary(let members): !members.isEmpty
    case .time: true
    }
  }

  var isMissing: Bool { if case .missing = self { true } else { false } }

  /// The text as Go prints it.
  var text: String {
    switch self {
    case .missing: "<no value>"
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number):
      number == number.rounded() && number.magnitude < 1e15 ? String(Int64(number)) : String(number)
    case .bool(let bool): bool ? "true" : "false"
    case .list(let elements): "[" + elements.map(\.text).joined(separator: " ") + "]"
    case .dictionary(let members):
      "map[" + members.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.text)" }.joined(separator: " ") + "]"
    case .time(let seconds): TemplateTime.formatted(seconds, "2006-01-02 15:04:05 -0700 MST")
    }
  }

  /// The size in bytes, nearly: an element counts even if it is empty.
  var size: Int {
    switch self {
    case .string(let text): text.utf8.count
    case .list(let elements): elements.reduce(Self.least) { $0 + max(Self.least, $1.size) }
    case .dictionary(let members):
      members.reduce(Self.least) { $0 + $1.key.utf8.count + max(Self.least, $1.value.size) }
    default: 8
    }
  }

  private static let least = 16

  /// Checks that no more lists and dictionaries are in each other; a check, a text and a release of one recur as deep.
  func isNested(within depth: Int) -> Bool {
    switch self {
    case .list(let elements): depth > 0 && elements.allSatisfy { $0.isNested(within: depth - 1) }
    case .dictionary(let members): depth > 0 && members.values.allSatisfy { $0.isNested(within: depth - 1) }
    default: true
    }
  }

  /// The number that Sprig casts a value to; 0 for what is none.
  var int: Int64 {
    switch self {
    case .int(let number): number
    case .double(let number): Int64(exactly: number.rounded(.towardZero)) ?? 0
    case .bool(let bool): bool ? 1 : 0
    case .string(let text): Int64(text) ?? 0
    default: 0
    }
  }

  var double: Double {
    switch self {
    case .double(let number): number
    case .string(let text): Double(text) ?? 0
    default: Double(int)
    }
  }

  var elements: [TemplateValue]? { if case .list(let elements) = self { elements } else { nil } }
  var members: [String: TemplateValue]? { if case .dictionary(let members) = self { members } else { nil } }
}
