/// The conditions under which a skaffold.yaml is read.
public struct ReadingOptions: Sendable {
  /// Absolute. Relative paths of the first file begin here, as at Skaffold's starting directory; those of a required
  /// file begin at that file's own directory.
  public var workingDirectory: String
  /// Names to activate in this order; `-NAME` deactivates one that would activate itself.
  public var profiles: [String] = []
  /// False if `profiles` count for the first file alone (Skaffold, `--propagate-profiles`).
  public var propagatesProfiles = true
  /// False if no profile activates itself (Skaffold, `--profile-auto-activation`).
  public var activatesProfiles = true
  /// The names of the wanted configurations; those that they require come along. Empty: all.
  public var modules: [String] = []
  /// The variables that templates and `activation.env` see.
  public var environment: [String: String] = [:]
  /// The variables of the programs that hooks, builders and `cmd` in templates run; nil: those of templates.
  public var programs: [String: String]?
  /// The value that `activation.command` sees: `dev`, `build`, …
  public var command = "dev"
  /// The value that `activation.kubeContext` sees.
  public var kubeContext: String?
  /// The destination of images (Skaffold, `--default-repo`).
  public var defaultRepository: String?
  /// True if missing contexts and Dockerfiles are errors; false if nothing is built.
  public var checksSources = true
  /// The demands beyond the repository that are allowed: files elsewhere, repositories of others.
  public var trust = Trust()

  public init(workingDirectory: String) { self.workingDirectory = workingDirectory }
}
