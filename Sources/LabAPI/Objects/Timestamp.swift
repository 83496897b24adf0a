#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Kubernetes' `metav1.Time`: RFC 3339 in UTC, whole seconds.
enum Timestamp {
  static func now() -> String { Date().formatted(.iso8601) }

  /// Seconds since then; nil for what is no time.
  static func age(of text: String) -> Double? {
    guard let date = try? Date(text, strategy: .iso8601) else { return nil }
    return Date().timeIntervalSince(date)
  }
}
