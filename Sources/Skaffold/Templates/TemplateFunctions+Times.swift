#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension TemplateFunctions {
  static let times: [String: Function] = [
    "now": Function(count: 0...0) { _ in .time(Int64(time(nil))) },
    "date": Function(count: 2...2) { .string(TemplateTime.formatted(seconds($0[1]), $0[0].text)) },
    "htmlDate": Function(count: 1...1) { .string(TemplateTime.formatted(seconds($0[0]), "2006-01-02")) },
    "unixEpoch": Function(count: 1...1) { .string(String(seconds($0[0]))) },
    "date_in_zone": Function(count: 3...3) { values throws(Problem) in .string(try inZone(values)) },
    "dateInZone": Function(count: 3...3) { values throws(Problem) in .string(try inZone(values)) },
  ]

  /// Numbers are seconds since 1970; all else is the present.
  private static func seconds(_ value: Value) -> Int64 {
    switch value {
    case .time(let seconds), .int(let seconds): seconds
    default: Int64(time(nil))
    }
  }

  private static func inZone(_ values: [Value]) throws(Problem) -> String {
    guard values[2].text == "UTC" else { throw wrong("dateInZone", values[2], "UTC") }
    return TemplateTime.formatted(seconds(values[1]), values[0].text, isUTC: true)
  }
}

/// A time in a Go layout, in the process's zone.
enum TemplateTime {
  static func formatted(_ seconds: Int64, _ layout: String, isUTC: Bool = false) -> String {
    var instant = time_t(seconds)
    var parts = tm()
    guard (isUTC ? gmtime_r(&instant, &parts) : localtime_r(&instant, &parts)) != nil else { return "" }
    var buffer = [CChar](repeating: 0, count: 256)
    let length = strftime(&buffer, buffer.count, "%Y|%m|%d|%H|%M|%S|000000000|%Z|%z|%A|%B|%j", &parts)
    let text = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return GoTime(text.split(separator: "|").map(String.init))?.formatted(layout) ?? ""
  }
}
