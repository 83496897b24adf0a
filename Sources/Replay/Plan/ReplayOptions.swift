import Exchanges
import HTTPMessages

/// The choices of a replay.
public struct ReplayOptions: Sendable, Hashable {
  /// Fields of answers whose differences do not count: names of headers, `status`, or places such as
  /// `body.items[*].id`.
  public var ignored: [TextPattern]
  /// Only these requests: a path, or a method and a path. Empty: all.
  public var only: [TextPattern]
  /// Set on each request, in place of fields with the same names.
  public var fields: [Exchange.Field]
  /// The host that requests name; nil: as they did.
  public var host: String?
  /// True to keep the time between requests.
  public var gaps: Bool

  public init(
    ignored: [TextPattern] = [], only: [TextPattern] = [], fields: [Exchange.Field] = [], host: String? = nil,
    gaps: Bool = false
  ) {
    self.ignored = ignored
    self.only = only
    self.fields = fields
    self.host = host
    self.gaps = gaps
  }

  /// Checks if a field's difference does not count. A pattern also means what is below the field.
  func ignores(_ field: String) -> Bool {
    ignored.contains { pattern in
      if pattern.isLike(field) { return true }
      return field.indices.contains { ".[".contains(field[$0]) && pattern.isLike(String(field[..<$0])) }
    }
  }

  func includes(_ request: Exchange.Request) -> Bool {
    let path = String(request.target.prefix { $0 != "?" })
    return only.isEmpty || only.contains { $0.isLike(path) || $0.isLike("\(request.method) \(path)") }
  }
}

extension TextPattern {
  func isLike(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes { matches($0) } }
}
