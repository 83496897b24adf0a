/// The meaning of a plain scalar by kubectl's rules for manifests (goyaml v2: YAML 1.1 for booleans, both octal
/// spellings, no sexagesimal numbers).
public enum YAMLScalar {
  public static func isNull(_ text: String) -> Bool { ["", "~", "null", "Null", "NULL"].contains(text) }

  public static func value(_ text: String) -> JSONValue {
    if isNull(text) { return .null }
    if let bool = bool(text) { return .bool(bool) }
    guard let first = text.utf8.first,
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) || "+-.".utf8.contains(first)
    else { return .string(text) }
    return number(text) ?? .string(text)
  }

  public static func bool(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": true
    case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF": false
    default: nil
    }
  }

  /// Returns nil also for numbers that JSON cannot hold (`.inf`): in `sleep .inf` it is a word.
  private static func number(_ text: String) -> JSONValue? {
    let digits = text.filter { $0 != "_" }
    if let int = int(digits) { return .int(int) }
    guard isFloat(digits), let double = Double(digits), double.isFinite else { return nil }
    // Go's encoder writes 1.0 as 1.
    if double.magnitude < 1e15, double == double.rounded() { return .int(Int64(double)) }
    return .double(double)
  }

  private static func int(_ text: String) -> Int64? {
    var digits = Substring(text)
    let sign = digits.first == "-" ? "-" : ""
    if digits.first == "-" || digits.first == "+" { digits = digits.dropFirst() }
    guard digits.first?.isNumber == true else { return nil }
    let lower = digits.lowercased()
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where lower.hasPrefix(prefix) {
      return Int64(sign + lower.dropFirst(2), radix: radix)
    }
    if lower.count > 1, lower.hasPrefix("0") { return Int64(sign + lower, radix: 8) }
    return Int64(sign + lower)
  }

  /// Matches `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
  private static func isFloat(_ text: String) -> Bool {
    var rest = Substring(text)
    func digits() -> Int {
      let count = rest.utf8.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
      rest = rest.dropFirst(count)
      return count
    }
    if let sign = rest.first, "+-".contains(sign) { rest = rest.dropFirst() }
    let whole = digits()
    if rest.first == "." {
      rest = rest.dropFirst()
      if digits() == 0, whole == 0 { return false }
    } else if whole == 0 {
      return false
    }
    if rest.isEmpty { return true }
    guard let exponent = rest.first, "eE".contains(exponent) else { return false }
    rest = rest.dropFirst()
    if let sign = rest.first, "+-".contains(sign) { rest = rest.dropFirst() }
    return digits() > 0 && rest.isEmpty
  }
}
