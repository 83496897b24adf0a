import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Kubernetes' times: RFC 3339, in UTC; a Lease's with microseconds (`MicroTime`).
public enum Timestamp {
  /// Formats a time with microseconds.
  public static func micro(_ date: Date) -> String {
    let seconds = date.timeIntervalSince1970
    let whole = seconds.rounded(.down)
    let micros = String(Int(saturating: ((seconds - whole) * 1_000_000).rounded(.down)))
    let text = Date(timeIntervalSince1970: whole).formatted(.iso8601)
    return text.dropLast() + "." + String(repeating: "0", count: 6 - micros.count) + micros + "Z"
  }

  /// Formats a time in whole seconds.
  public static func seconds(_ date: Date) -> String { date.formatted(.iso8601) }

  /// Parses a time with or without fractions of a second.
  public static func parse(_ text: String) -> Date? {
    // No time is longer, so spare the parser anything longer.
    guard text.utf8.count <= 40 else { return nil }
    let whole = text.split(separator: ".")
    guard let first = whole.first else { return nil }
    let base = whole.count > 1 ? first + "Z" : first
    guard let date = try? Date(String(base), strategy: .iso8601) else { return nil }
    guard whole.count > 1, let fraction = Double("0." + whole[1].filter(\.isNumber)) else { return date }
    return date.addingTimeInterval(fraction)
  }

  /// Formats a time for people, such as `2024-05-01 10:02 UTC`.
  public static func clock(_ text: String) -> String {
    guard let date = parse(text) else { return text.isEmpty ? "an unknown time" : String(text.prefix(40)) }
    let iso = date.formatted(.iso8601)
    return "\(iso.prefix(10)) \(iso.dropFirst(11).prefix(5)) UTC"
  }
}
