import KubeObjects

/// A field that is to be applied and that another manager owns with another value.
struct FieldConflict: Sendable, Equatable {
  /// The owner, as messages name it.
  var manager: String
  var path: String

  /// The refusal, in Kubernetes' words.
  static func status(_ conflicts: [FieldConflict]) -> StatusError {
    let causes = conflicts.map { FieldCause(.fieldManagerConflict, $0.path, "conflict with \($0.manager)").object }
    return StatusError(409, "Conflict", message(conflicts), details: ["causes": .array(causes)])
  }

  private static func message(_ conflicts: [FieldConflict]) -> String {
    if let only = conflicts.first, conflicts.count == 1 {
      return "Apply failed with 1 conflict: conflict with \(only.manager): \(only.path)"
    }
    let lines = Set(conflicts.map(\.manager)).sorted().flatMap { manager in
      ["conflicts with \(manager):"] + conflicts.filter { $0.manager == manager }.map { "- \($0.path)" }
    }
    return "Apply failed with \(conflicts.count) conflicts: " + lines.joined(separator: "\n")
  }
}
