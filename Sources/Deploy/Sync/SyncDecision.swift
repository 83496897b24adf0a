import Skaffold

/// What is to be done about changed files of an artifact.
public enum SyncDecision: Sendable, Hashable {
  case sync([FileChange])
  /// At least one file is in no sync rule.
  case build(reason: String)

  /// - Parameters:
  ///   - changed, deleted: absolute paths of files below the artifact's context, of those that the build sees.
  public static func of(_ artifact: Artifact, changed: some Collection<String>, deleted: some Collection<String>) -> SyncDecision { fatalError() }
}
