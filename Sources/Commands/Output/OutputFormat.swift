enum OutputFormat: String, CaseIterable, Sendable {
  /// For people; may change.
  case table
  /// As docs/output.md describes it.
  case json
}
