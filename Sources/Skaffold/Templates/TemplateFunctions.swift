/// The functions of Go's text/template and of Sprig that templates may call.
enum TemplateFunctions {
  static let names = [
    "default", "lower", "upper", "trim", "trimPrefix", "trimSuffix", "replace", "trunc", "quote", "squote", "print",
    "printf",
  ]

  /// - Parameter arguments: nil for a variable that is not set.
  /// - Returns: nil if the result depends on an unset variable.
  static func call(_ name: String, _ arguments: [String?]) throws(EnvTemplate.Problem) -> String? {
    guard let expected = counts[name] else {
      throw EnvTemplate.Problem(
        message: "devtunnel does not know the template function '\(name)'",
        remedy: "use variables and \(names.joined(separator: ", "))")
    }
    guard expected.contains(arguments.count) else {
      throw EnvTemplate.Problem(
        message: "the template function '\(name)' got \(arguments.count) arguments",
        remedy: "give it \(expected.lowerBound)")
    }
    if name == "default" { return arguments[1].flatMap { $0.isEmpty ? nil : $0 } ?? arguments[0] }
    var values: [String] = []
    for argument in arguments {
      guard let argument else { return nil }
      values.append(argument)
    }
    // A few calls of replace could make a text of any length.
    guard length(name, values) <= longest else {
      throw EnvTemplate.Problem(
        message: "the template function '\(name)' makes a text of more than \(longest) bytes", remedy: "make it shorter"
      )
    }
    return apply(name, values)
  }

  /// Returns an upper bound of the result's length in bytes.
  private static func length(_ name: String, _ values: [String]) -> Int {
    let all = values.reduce(0) { $0 + $1.utf8.count }
    guard name == "replace", !values[0].isEmpty else { return all }
    return all + values[2].ranges(of: values[0]).count * values[1].utf8.count
  }

  private static let longest = 64 << 10

  private static let counts: [String: ClosedRange<Int>] = [
    "default": 2...2, "lower": 1...1, "upper": 1...1, "trim": 1...1, "trimPrefix": 2...2, "trimSuffix": 2...2,
    "replace": 3...3, "trunc": 2...2, "quote": 1...1,
    "squote": 1...1, "print": 1...9, "printf": 1...9,
  ]

  private static func apply(_ name: String, _ values: [String]) -> String {
    let last = values[values.count - 1]
    switch name {
    case "lower": return last.lowercased()
    case "upper": return last.uppercased()
    case "trim": return last.trimmed
    case "trimPrefix": return last.hasPrefix(values[0]) ? String(last.dropFirst(values[0].count)) : last
    case "trimSuffix": return last.hasSuffix(values[0]) ? String(last.dropLast(values[0].count)) : last
    case "replace": return values[0].isEmpty ? last : last.replacing(values[0], with: values[1])
    case "trunc":
      let length = Int(values[0]) ?? 0
      return String(length < 0 ? last.suffix(Int(clamping: length.magnitude)) : last.prefix(length))
    case "quote": return "\"\(last.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    case "squote": return "'\(last)'"
    case "printf":
      let parts = values[0].split(separator: "%s", omittingEmptySubsequences: false)
      return parts.indices.map {
        $0 == 0 ? String(parts[0]) : (values.indices.contains($0) ? values[$0] : "") + parts[$0]
      }.joined()
    default: return values.joined()
    }
  }
}

extension String {
  /// The text without white space at both ends.
  var trimmed: String {
    var rest = drop { $0.isWhitespace }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
