enum OutputFormat: String, CaseIterable, Sendable {
  /// For people; may change.
  case table
  /// Described in docs/output.md.
  case json
}
