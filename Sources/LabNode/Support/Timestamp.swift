import Glibc

/// Times as Kubernetes writes them: RFC 3339, UTC.
enum Timestamp {
  static func now() -> String { String(nanoseconds().prefix(19)) + "Z" }

  /// With nanoseconds, nine digits: lines of a log sort by it.
  static func nanoseconds() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    gmtime_r(&time.tv_sec, &parts)
    let date = "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
    let fraction = String(time.tv_nsec)
    return "\(date)T\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))."
      + String(repeating: "0", count: 9 - fraction.count) + fraction + "Z"
  }

  /// Seconds since 1970 of an RFC 3339 time in UTC; nil for anything else.
  static func seconds(_ text: some StringProtocol) -> Int? {
    let numbers = text.prefix(19).split(whereSeparator: { !$0.isNumber }).compactMap { Int32($0) }
    guard numbers.count == 6 else { return nil }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
    return timegm(&parts)
  }

  private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
}
