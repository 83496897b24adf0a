import Skaffold

/// Builds the images of artifacts with an installed builder or with their own commands.
///
/// Cancelling the task that builds ends the builder's whole process group at once.
public actor ImageBuilder {
  public nonisolated let kind: BuilderKind
  public nonisolated let settings: BuildSettings
  nonisolated let environment: [String: String]
  private let cacheDirectory: String

  /// - Parameters:
  ///   - kind: see `BuilderKind.choose`.
  ///   - cacheDirectory: a directory for what is remembered of earlier builds; made when it is first written to.
  ///   - environment: for PATH, and what the builders and custom commands get.
  public init(kind: BuilderKind, cacheDirectory: String, environment: [String: String], settings: BuildSettings = BuildSettings()) {
    self.kind = kind
    self.cacheDirectory = cacheDirectory
    self.environment = environment
    self.settings = settings
  }

  /// Builds what has changed: side by side as far as `settings.concurrency` and each artifact's `requires` let it. The first failure ends the others.
  /// - Parameters:
  ///   - tags: `artifact.image` to the full `name:tag`; `:latest` for those that are not in it.
  ///   - output: gets each line that a builder writes, with the artifact's image name; called from several tasks.
  /// - Returns: the images in the order of `artifacts`.
  public func build(
    _ artifacts: [Artifact], tags: [String: String], output: @escaping @Sendable (String, String) -> Void
  ) async throws(BuildError) -> [BuiltImage] {
    fatalError("soon")
  }
}
