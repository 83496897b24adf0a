import KubeObjects

/// The ranges of numbers in objects.
enum NumberRules {
  static let counts = 0...Int(Int32.max)

  /// The fields' numbers where they are outside of a range.
  static func check(_ object: JSONValue?, _ fields: [String], in range: ClosedRange<Int> = counts, at path: String)
    -> [FieldCause]
  {
    fields.compactMap { field in
      guard let value = object?[field], !value.isNull, !(value.intValue.map(range.contains) ?? false) else {
        return nil
      }
      return FieldCause(.invalid, "\(path).\(field)", message(value, range))
    }
  }

  static func message(_ value: JSONValue, _ range: ClosedRange<Int>) -> String {
    let rule =
      value.intValue.map { $0 < range.lowerBound } == true && range.lowerBound == 0
      ? "must be greater than or equal to 0"
      : "must be between \(range.lowerBound) and \(range.upperBound), inclusive"
    return "Invalid value: \(value): \(rule)"
  }

  /// A count, or a share of a Deployment's replicas.
  static func share(_ value: JSONValue?, at field: String) -> [FieldCause] {
    guard let value else { return [] }
    if let text = value.stringValue {
      let digits = text.utf8.dropLast()
      let isShare =
        text.utf8.last == UInt8(ascii: "%") && (1...9).contains(digits.count)
        && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      let rule = "a valid percent string must be a numeric string followed by an ending '%'"
      return isShare ? [] : [FieldCause(.invalid, field, "Invalid value: \"\(text)\": \(rule)")]
    }
    return value.intValue.map(counts.contains) == true ? [] : [FieldCause(.invalid, field, message(value, counts))]
  }

  /// A quantity that is none, or less than nothing.
  static func quantities(_ resources: JSONValue?, at path: String) -> [FieldCause] {
    ["limits", "requests"].flatMap { list in
      (resources?[list]?.objectValue ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
        let field = "\(path).\(list)[\(name)]"
        if let number = value.intValue ?? number(value.stringValue ?? "").map({ $0 < 0 ? -1 : 1 }) {
          return number < 0
            ? FieldCause(.invalid, field, "Invalid value: \(value): must be greater than or equal to 0") : nil
        }
        let rule =
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        return FieldCause(.invalid, field, "Invalid value: \(value): \(rule)")
      }
    }
  }

  private static let suffixes = [
    "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "m", "k", "M", "G", "T", "P", "E", "",
  ]

  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), text.utf8.count <= 100,
      let suffix = suffixes.first(where: { text.hasSuffix($0) })
    else { return nil }
    let digits = text.dropLast(suffix.count)
    // Swift's numbers may also be hexadecimal, infinite or no number.
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
    return Double(digits)
  }
}
