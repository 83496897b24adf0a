import Inputs

/// The functions of Go's text/template and of Sprig (Masterminds/sprig v2) that templates may call: all but those that
/// make keys and certificates, encrypt, and ask the network.
enum TemplateFunctions {
  typealias Problem = EnvTemplate.Problem
  typealias Value = TemplateValue
  typealias Body = @Sendable ([Value]) throws(Problem) -> Value

  /// A function, and how many arguments it takes.
  struct Function: Sendable {
    var count: ClosedRange<Int>
    /// False if an unset variable as an argument makes the result unset.
    var takesMissing = false
    var body: Body
  }

  static let all: [String: Function] =
    values.merging(strings) { $1 }.merging(numbers) { $1 }.merging(lists) { $1 }.merging(dictionaries) { $1 }
    .merging(times) { $1 }

  /// - Throws: `Problem` for an unknown function, a wrong number of arguments, and a wrong argument.
  static func call(_ name: String, _ arguments: [Value]) throws(Problem) -> Value {
    guard let function = all[name] else {
      throw Problem(
        message: "devtunnel does not know the template function '\(name)'",
        remedy: "use another of Go's and Sprig's functions, or a variable")
    }
    guard function.count.contains(arguments.count) else {
      throw Problem(
        message: "the template function '\(name)' got \(arguments.count) arguments",
        remedy: "give it \(function.count.lowerBound)")
    }
    if !function.takesMissing, let missing = arguments.first(where: \.isMissing) { return missing }
    let result = try function.body(arguments)
    // A few calls could make a text of any length, or a value of any depth.
    guard result.size <= EnvTemplate.longest else { throw tooLong(name) }
    guard result.isNested(within: EnvTemplate.deepest) else {
      throw Problem(
        message: "the template function '\(name)' puts more than \(EnvTemplate.deepest) lists into each other",
        remedy: "divide it")
    }
    return result
  }

  static func takesNothing(_ name: String) -> Bool { all[name]?.count.lowerBound == 0 }

  static func tooLong(_ name: String) -> Problem {
    Problem(
      message: "the template function '\(name)' makes a text of more than \(EnvTemplate.longest) bytes",
      remedy: "make it shorter")
  }

  static func wrong(_ name: String, _ value: Value, _ wanted: String) -> Problem {
    Problem(message: "the template function '\(name)' got '\(value.text)'", remedy: "give it \(wanted)")
  }

  private static let any = 0...64

  // MARK: Values

  private static let values: [String: Function] = [
    "default": Function(count: 2...2, takesMissing: true) { $0[1].isTrue ? $0[1] : $0[0] },
    "coalesce": Function(count: 1...64, takesMissing: true) { values in
      values.first(where: \.isTrue) ?? .missing("nil")
    },
    "empty": Function(count: 1...1, takesMissing: true) { .bool(!$0[0].isTrue) },
    "ternary": Function(count: 3...3, takesMissing: true) { $0[2].isTrue ? $0[0] : $0[1] },
    "not": Function(count: 1...1, takesMissing: true) { .bool(!$0[0].isTrue) },
    "eq": Function(count: 2...64, takesMissing: true) { values in
      .bool(values.dropFirst().contains { isEqual($0, values[0]) })
    },
    "ne": Function(count: 2...2, takesMissing: true) { .bool(!isEqual($0[0], $0[1])) },
    "deepEqual": Function(count: 2...2, takesMissing: true) { .bool($0[0] == $0[1]) },
    "lt": Function(count: 2...2) { values throws(Problem) in .bool(try compare(values) < 0) },
    "le": Function(count: 2...2) { values throws(Problem) in .bool(try compare(values) <= 0) },
    "gt": Function(count: 2...2) { values throws(Problem) in .bool(try compare(values) > 0) },
    "ge": Function(count: 2...2) { values throws(Problem) in .bool(try compare(values) >= 0) },
    "print": Function(count: any) { .string(printed($0)) },
    "println": Function(count: any) { .string($0.map(\.text).joined(separator: " ") + "\n") },
    "printf": Function(count: 1...64) { .string(GoFormat.formatted($0[0].text, Array($0.dropFirst()))) },
    "html": Function(count: any) { values in
      .string(
        printed(values).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
          .replacing("'", with: "&#39;").replacing("\"", with: "&#34;"))
    },
    "urlquery": Function(count: any) { .string(percentEncoded(printed($0))) },
    "len": Function(count: 1...1) { values throws(Problem) in
      switch values[0] {
      case .string(let text): .int(Int64(text.utf8.count))
      case .list(let elements): .int(Int64(elements.count))
      case .dictionary(let members): .int(Int64(members.count))
      default: throw wrong("len", values[0], "a text, a list or a dict")
      }
    },
    "index": Function(count: 2...64) { values throws(Problem) in
      var value = values[0]
      for key in values.dropFirst() {
        switch value {
        case .dictionary(let members): value = members[key.text] ?? .missing(key.text)
        case .list(let elements):
          guard let place = Int(exactly: key.int), elements.indices.contains(place) else {
            throw wrong("index", key, "a place in the list")
          }
          value = elements[place]
        default: throw wrong("index", value, "a list or a dict")
        }
      }
      return value
    },
    "slice": Function(count: 1...3) { values throws(Problem) in
      let bounds = values.dropFirst().map { Int(clamping: $0.int) }
      switch values[0] {
      case .string(let text):
        let bytes = Array(text.utf8)
        return .string(String(decoding: try slice(bytes, bounds, values[0]), as: UTF8.self))
      case .list(let elements): return .list(try slice(elements, bounds, values[0]))
      default: throw wrong("slice", values[0], "a text or a list")
      }
    },
    "fail": Function(count: 1...1) { values throws(Problem) in
      throw Problem(message: values[0].text, remedy: "the template says so")
    },
    "toString": Function(count: 1...1) { .string($0[0].text) },
    "toJson": Function(count: 1...1, takesMissing: true) { .string(json($0[0])) },
    "toPrettyJson": Function(count: 1...1, takesMissing: true) { .string(json($0[0], indent: "")) },
    "kindOf": Function(count: 1...1, takesMissing: true) { .string(kind($0[0])) },
    "typeOf": Function(count: 1...1, takesMissing: true) { .string(type($0[0])) },
    "kindIs": Function(count: 2...2, takesMissing: true) { .bool(kind($0[1]) == $0[0].text) },
    "typeIs": Function(count: 2...2, takesMissing: true) { .bool(type($0[1]) == $0[0].text) },
    "hello": Function(count: 0...0) { _ in .string("Hello!") },
    "uuidv4": Function(count: 0...0) { _ in .string(uuid()) },
  ]

  private static func isEqual(_ one: Value, _ other: Value) -> Bool {
    switch (one, other) {
    case (.missing, .missing): true
    case (.int, .double), (.double, .int): one.double == other.double
    default: one == other
    }
  }

  private static func compare(_ values: [Value]) throws(Problem) -> Int {
    switch (values[0], values[1]) {
    case (.string(let one), .string(let other)): return one == other ? 0 : one < other ? -1 : 1
    case (.int, .int), (.double, .double), (.int, .double), (.double, .int):
      let (one, other) = (values[0].double, values[1].double)
      return one == other ? 0 : one < other ? -1 : 1
    default: throw wrong("lt", values[1], "two numbers or two texts")
    }
  }

  private static func slice<Element>(_ elements: [Element], _ bounds: [Int], _ value: Value) throws(Problem)
    -> [Element]
  {
    let from = bounds.first ?? 0
    let to = bounds.count > 1 ? bounds[1] : elements.count
    guard 0 <= from, from <= to, to <= elements.count else { throw wrong("slice", value, "places in it") }
    return Array(elements[from..<to])
  }

  /// Go puts spaces between two values that are no texts.
  private static func printed(_ values: [Value]) -> String {
    var result = ""
    for (index, value) in values.enumerated() {
      func isText(_ value: Value) -> Bool { if case .string = value { true } else { false } }
      if index > 0, !isText(value), !isText(values[index - 1]) { result += " " }
      result += value.text
    }
    return result
  }

  private static func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
      let character = Character(Unicode.Scalar(byte))
      if byte < 128, character.isLetter || character.isNumber || "-_.~".contains(character) { return String(character) }
      if character == " " { return "+" }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" + digits : digits)
    }.joined()
  }

  private static func json(_ value: Value, indent: String? = nil) -> String {
    let inner = indent.map { $0 + "  " }
    func block(_ parts: [String], _ open: String, _ close: String) -> String {
      guard let indent, let inner, !parts.isEmpty else { return open + parts.joined(separator: ",") + close }
      return open + "\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n" + indent + close
    }
    switch value {
    case .missing: return "null"
    case .string(let text): return quoted(text)
    case .list(let elements): return block(elements.map { json($0, indent: inner) }, "[", "]")
    case .dictionary(let members):
      let colon = indent == nil ? ":" : ": "
      return block(
        members.sorted { $0.key < $1.key }.map { quoted($0.key) + colon + json($0.value, indent: inner) }, "{", "}")
    case .time: return quoted(value.text)
    default: return value.text
    }
  }

  /// As Go's strconv.Quote, and JSON.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        guard scalar.value < 32 else {
          result.unicodeScalars.append(scalar)
          continue
        }
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return result + "\""
  }

  private static func kind(_ value: Value) -> String {
    switch value {
    case .missing: "invalid"
    case .string: "string"
    case .int: "int"
    case .double: "float64"
    case .bool: "bool"
    case .list: "slice"
    case .dictionary: "map"
    case .time: "struct"
    }
  }

  private static func type(_ value: Value) -> String {
    switch value {
    case .missing: "<nil>"
    case .list: "[]interface {}"
    case .dictionary: "map[string]interface {}"
    case .time: "time.Time"
    default: kind(value)
    }
  }

  private static func uuid() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    var rest = Substring(digits)
    return [8, 4, 4, 4, 12].map { count in
      defer { rest = rest.dropFirst(count) }
      return String(rest.prefix(count))
    }.joined(separator: "-")
  }
}
