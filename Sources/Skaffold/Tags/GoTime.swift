/// A time in the layouts of Go's package time, which show how its reference time would be written.
struct GoTime {
  private let year, month, day, hour, minute, second, nanosecond, zone, offset, weekday, monthName, dayOfYear: String

  /// - Parameter fields: as date(1) prints `%Y %m %d %H %M %S %N %Z %z %A %B %j`.
  init?(_ fields: [String]) {
    guard fields.count == 12, fields[8].count == 5 else { return nil }
    (year, month, day, hour, minute, second) = (fields[0], fields[1], fields[2], fields[3], fields[4], fields[5])
    (nanosecond, zone, offset, weekday, monthName, dayOfYear) = (
      fields[6], fields[7], fields[8], fields[9], fields[10], fields[11]
    )
  }

  func formatted(_ layout: String) -> String {
    var result = ""
    var rest = Substring(layout)
    let elements = elements
    while let first = rest.first {
      if let (pattern, text) = elements.first(where: { rest.hasPrefix($0.0) && isElement($0.0, rest) }) {
        result += text
        rest = rest.dropFirst(pattern.count)
      } else if let count = fraction(rest, isFirst: result.isEmpty) {
        result += fractionText(first, digit: rest.dropFirst().first ?? "0", count: count)
        rest = rest.dropFirst(count + 1)
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// The layout's elements, longer ones before their prefixes.
  private var elements: [(String, String)] {
    let hours = Int(hour) ?? 0
    let twelve = String((hours + 11) % 12 + 1)
    let colon = "\(offset.prefix(3)):\(offset.suffix(2))"
    let isUTC = offset == "+0000"
    return [
      ("January", monthName), ("Jan", String(monthName.prefix(3))), ("Monday", weekday),
      ("Mon", String(weekday.prefix(3))), ("MST", zone), ("2006", year),
      ("-07:00", colon), ("-0700", offset), ("-07", String(offset.prefix(3))), ("Z07:00", isUTC ? "Z" : colon),
      ("Z0700", isUTC ? "Z" : offset),
      ("Z07", isUTC ? "Z" : String(offset.prefix(3))),
      ("PM", hours < 12 ? "AM" : "PM"),
      ("pm", hours < 12 ? "am" : "pm"), ("002", dayOfYear), ("01", month), ("02", day),
      ("03", twelve.count < 2 ? "0" + twelve : twelve), ("04", minute),
      ("05", second),
      ("06", String(year.suffix(2))), ("15", hour), ("_2", plain(day, pad: " ")), ("1", plain(month)),
      ("2", plain(day)), ("3", twelve), ("4", plain(minute)),
      ("5", plain(second)),
    ]
  }

  /// Checks an element's surroundings: Go rejects "Jan" and "Mon" inside a word, and "_2" before 006.
  private func isElement(_ pattern: String, _ rest: Substring) -> Bool {
    let next = rest.dropFirst(pattern.count).first
    if pattern == "Jan" || pattern == "Mon" { return next?.isLowercase != true }
    return pattern != "_2" || !rest.hasPrefix("_2006")
  }

  /// Returns the number of digits that `.000` or `.999` shows; nil for other elements.
  private func fraction(_ rest: Substring, isFirst: Bool) -> Int? {
    guard !isFirst, let first = rest.first, first == "." || first == ",", let digit = rest.dropFirst().first,
      digit == "0" || digit == "9"
    else { return nil }
    let count = rest.dropFirst().prefix { $0 == digit }.count
    return rest.dropFirst(1 + count).first?.isNumber == true ? nil : count
  }

  /// Formats a fraction: `9`s leave out the zeros at the end, and the point with the last of them.
  private func fractionText(_ point: Character, digit: Character, count: Int) -> String {
    var digits = Substring((nanosecond + "000000000").prefix(count))
    if digit == "9" { while digits.last == "0" { digits.removeLast() } }
    return digits.isEmpty ? "" : "\(point)\(digits)"
  }

  private func plain(_ text: String, pad: String = "") -> String { text.hasPrefix("0") ? pad + text.dropFirst() : text }
}
