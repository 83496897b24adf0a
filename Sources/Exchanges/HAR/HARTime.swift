/// Times of RFC 3339, as HAR has them.
enum HARTime {
  /// - Parameter seconds: since 1970.
  /// - Returns: the time in UTC, to the microsecond.
  static func text(_ seconds: Double) -> String {
    let micros = Int64(exactly: (seconds * 1_000_000).rounded()).map { min(max($0, 0), limit) } ?? 0
    let (day, rest) = (micros / 86_400_000_000, micros % 86_400_000_000)
    // Days to a date of the Gregorian calendar: years begin in March, so that the leap day is the last.
    let shifted = day + 719_468
    let (era, ofEra) = (shifted / 146_097, shifted % 146_097)
    let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let date = (
      year: year + era * 400 + (month < 10 ? 0 : 1), month: month < 10 ? month + 3 : month - 9,
      day: ofYear - (153 * month + 2) / 5 + 1
    )
    let second = rest / 1_000_000
    return "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))T\(digits(second / 3600, 2)):"
      + "\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2)).\(digits(rest % 1_000_000, 6))Z"
  }

  /// The last microsecond of the year 9999.
  private static let limit: Int64 = 253_402_300_799_999_999

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }

  /// Returns the seconds since 1970 of a time such as `2026-12-01T08:25:00.123+01:00`; nil if it is none.
  static func seconds(_ text: String) -> Double? {
    var rest = Substring(text).utf8
    guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2), (1...12).contains(month),
      take(&rest, "-"), let day = number(&rest, 2), (1...31).contains(day), take(&rest, "T") || take(&rest, "t"),
      let hour = number(&rest, 2), hour < 24, take(&rest, ":"), let minute = number(&rest, 2), minute < 60,
      take(&rest, ":"), let second = number(&rest, 2), second < 61
    else { return nil }
    var fraction = 0.0
    if take(&rest, ".") {
      let places = rest.prefix { (48...57).contains($0) }
      guard !places.isEmpty, let value = Double("0." + String(Substring(places))) else { return nil }
      fraction = value
      rest = rest.dropFirst(places.count)
    }
    var offset = 0
    if !take(&rest, "Z"), !take(&rest, "z") {
      let sign = take(&rest, "+") ? 1 : take(&rest, "-") ? -1 : 0
      guard sign != 0, let hours = number(&rest, 2), hours < 24 else { return nil }
      _ = take(&rest, ":")
      guard let minutes = number(&rest, 2), minutes < 60 else { return nil }
      offset = sign * (hours * 60 + minutes) * 60
    }
    guard rest.isEmpty else { return nil }
    let (y, m) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
    let era = (y >= 0 ? y : y - 399) / 400
    let days =
      era * 146_097 + (y - era * 400) * 365 + (y - era * 400) / 4 - (y - era * 400) / 100
      + (153 * m + 2) / 5 + day - 1 - 719_468
    return Double(days * 86_400 + hour * 3600 + minute * 60 + second - offset) + fraction
  }

  private static func number(_ text: inout Substring.UTF8View, _ count: Int) -> Int? {
    let digits = text.prefix(count)
    guard digits.count == count, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    text = text.dropFirst(count)
    return Int(String(Substring(digits)))
  }

  private static func take(_ text: inout Substring.UTF8View, _ scalar: Unicode.Scalar) -> Bool {
    guard text.first == UInt8(ascii: scalar) else { return false }
    text = text.dropFirst()
    return true
  }
}
