/// What a build of a Dockerfile reads from its context: the sources of COPY, ADD and `RUN --mount=type=bind` in the stages that the target needs.
public struct DockerfileSources: Sendable, Hashable {
  /// Relative to the context, cleaned, sorted; globs as COPY has them (Go's filepath.Match); "." is the whole context. A directory means all in it.
  public var paths: [String]
  /// Base images (`FROM`, `COPY --from`) of the stages that the target needs, with variables substituted; without `scratch` and stages.
  public var images: [String]

  /// - Parameters:
  ///   - file: for the error's place.
  ///   - target: a stage's name or number; nil for the last stage.
  /// - Throws: `.syntax` with the line, `.unknownTarget`.
  public init(parsing text: String, file: String, buildArgs: [String: String] = [:], target: String? = nil) throws(WatchError) { fatalError("to be written") }
}
