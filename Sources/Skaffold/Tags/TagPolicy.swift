import Manifests

/// How images get their tags (`build.tagPolicy`).
public enum TagPolicy: Sendable, Hashable {
  case gitCommit(GitCommitTag)
  /// `latest`: the digest is what counts.
  case sha256
  /// A template over the environment and IMAGE_NAME.
  case envTemplate(String, position: SourcePosition?)
  /// A Go time layout and an IANA time zone; nil for Skaffold's defaults.
  case dateTime(format: String?, timezone: String?)
  /// What the sources hash to.
  case inputDigest

  /// The reference an artifact is built as, `name:tag`.
  ///
  /// An `envTemplate` that gives a whole image name (`local-user:latest`, as it did up to skaffold/v2alpha3) gives the reference, not the tag.
  /// - Parameters:
  ///   - environment: what templates see.
  ///   - digest: the hash of the artifact's sources, asked for `inputDigest` only.
  /// - Throws: `InputError` for a variable that is not set, or where git says no.
  public func reference(
    for artifact: Artifact, environment: [String: String], digest: @Sendable (Artifact) async throws -> String
  ) async throws(InputError) -> String { fatalError() }
}

/// `build.tagPolicy.gitCommit`.
public struct GitCommitTag: Sendable, Hashable {
  public enum Variant: String, Sendable, Hashable, CaseIterable {
    case tags = "Tags"
    case commitSha = "CommitSha"
    case abbrevCommitSha = "AbbrevCommitSha"
    case treeSha = "TreeSha"
    case abbrevTreeSha = "AbbrevTreeSha"
    case branches = "Branches"
  }

  public var variant: Variant
  public var prefix: String
  /// Whether a work tree with changes gives the same tag as a clean one, without `-dirty`.
  public var ignoreChanges: Bool

  public init(variant: Variant = .tags, prefix: String = "", ignoreChanges: Bool = false) {
    self.variant = variant
    self.prefix = prefix
    self.ignoreChanges = ignoreChanges
  }
}
