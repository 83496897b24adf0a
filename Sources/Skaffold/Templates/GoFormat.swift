/// Go's `printf`, for the values of templates.
enum GoFormat {
  /// The wrong verb and the missing argument are as Go prints them.
  static func formatted(_ format: String, _ arguments: [TemplateValue]) -> String {
    var result = ""
    var rest = Substring(format)
    var next = 0
    while let character = rest.popFirst() {
      guard character == "%" else {
        result.append(character)
        continue
      }
      let flags = rest.prefix { "+-# 0".contains($0) }
      rest = rest.dropFirst(flags.count)
      let width = number(&rest)
      var precision: Int?
      if rest.first == "." {
        rest = rest.dropFirst()
        precision = number(&rest) ?? 0
      }
      guard let verb = rest.popFirst() else {
        result += "%!(NOVERB)"
        break
      }
      if verb == "%" {
        result += "%"
        continue
      }
      guard next < arguments.count else {
        result += "%!\(verb)(MISSING)"
        continue
      }
      let text = text(arguments[next], verb, precision, isSigned: flags.contains("+"))
      next += 1
      result += padded(text, width ?? 0, flags)
    }
    if next < arguments.count {
      result += "%!(EXTRA " + arguments[next...].map { "\(goType($0))=\($0.text)" }.joined(separator: ", ") + ")"
    }
    return result
  }

  private static let widest = 1000

  private static func number(_ rest: inout Substring) -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(digits.count)
    return Int(digits).map { min($0, widest) }
  }

  private static func text(_ value: TemplateValue, _ verb: Character, _ precision: Int?, isSigned: Bool) -> String {
    switch (verb, value) {
    case ("v", _): return value.text
    case ("s", .string(let text)): return precision.map { String(text.prefix($0)) } ?? text
    case ("s", .list): return value.text
    case ("q", .string(let text)): return TemplateFunctions.quoted(text)
    case ("d", .int(let number)): return (isSigned && number >= 0 ? "+" : "") + String(number)
    case ("x", .int(let number)): return String(number, radix: 16)
    case ("X", .int(let number)): return String(number, radix: 16, uppercase: true)
    case ("o", .int(let number)): return String(number, radix: 8)
    case ("b", .int(let number)): return String(number, radix: 2)
    case ("t", .bool(let bool)): return bool ? "true" : "false"
    case ("f", .double(let number)): return fixed(number, precision ?? 6)
    case ("x", .string(let text)):
      return text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    case ("T", _): return goType(value)
    default: return "%!\(verb)(\(goType(value))=\(value.text))"
    }
  }

  private static func goType(_ value: TemplateValue) -> String {
    switch value {
    case .missing: "<nil>"
    case .string: "string"
    case .int: "int"
    case .double: "float64"
    case .bool: "bool"
    case .list: "[]interface {}"
    case .dictionary: "map[string]interface {}"
    case .time: "time.Time"
    }
  }

  private static func fixed(_ number: Double, _ precision: Int) -> String {
    let digits = min(precision, 15)
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    guard let scaled = Int64(exactly: (number.magnitude * factor).rounded(.toNearestOrEven)) else {
      return String(number)
    }
    let text = String(scaled)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return (number < 0 ? "-" : "") + padded.dropLast(digits) + (digits > 0 ? "." + padded.suffix(digits) : "")
  }

  private static func padded(_ text: String, _ width: Int, _ flags: Substring) -> String {
    let missing = width - text.count
    guard missing > 0 else { return text }
    if flags.contains("-") { return text + String(repeating: " ", count: missing) }
    guard flags.contains("0") else { return String(repeating: " ", count: missing) + text }
    let sign = text.prefix { "+-".contains($0) }
    return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
  }
}
