import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The parts of `metadata` that a store writes.
enum ObjectMeta {
  /// The present as Kubernetes' `metav1.Time`: RFC 3339 in UTC, whole seconds.
  static func timestamp(secondsFromNow seconds: Int = 0) -> String {
    Date(timeIntervalSinceNow: Double(seconds)).formatted(.iso8601)
  }

  /// The suffix that Kubernetes gives to `generateName`: five letters that spell no words.
  static func nameSuffix() -> String { String((0..<5).map { _ in suffixAlphabet.randomElement() ?? "x" }) }

  /// A fresh random UUID, lower case as Kubernetes writes it.
  static func uid() -> String { UUID().uuidString.lowercased() }

  static func finalizers(_ object: JSONValue) -> [JSONValue] { object[path: "metadata", "finalizers"]?.elements ?? [] }

  private static let suffixAlphabet = Array("bcdfghjklmnpqrstvwxz2456789")
}
