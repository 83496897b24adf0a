/// A field of an answer that is not as it was.
public struct Difference: Codable, Sendable, Hashable, CustomStringConvertible {
  /// `status`, a header's name, or a place in the body such as `body.items[3].price`.
  public var field: String
  public var kept: String
  public var now: String

  public init(_ field: String, _ kept: String, _ now: String) {
    self.field = field
    self.kept = Self.short(kept)
    self.now = Self.short(now)
  }

  public var description: String { "\(field): \(kept) → \(now)" }

  private static func short(_ text: String) -> String { text.count > 120 ? text.prefix(119) + "…" : text }

  static let absent = "absent"
}
