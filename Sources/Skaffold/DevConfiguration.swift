import Manifests

/// The input of a dev loop: one configuration of a skaffold.yaml with its profiles applied, or one from a command line.
///
/// All paths are absolute: Skaffold resolves them against its starting directory, those of a required file against
/// that file's.
public struct DevConfiguration: Sendable {
  /// `metadata.name`.
  public var name: String?
  public var artifacts: [Artifact]
  public var tagPolicy: TagPolicy
  /// `build.local.push`; nil: as the cluster needs it.
  public var push: Bool?
  /// `build.insecureRegistries`: reached by plain HTTP.
  public var insecureRegistries: [String]
  public var manifests: ManifestSources
  public var portForwards: [PortForwardRule]
  /// The commands around a deployment.
  public var deployHooks = StepHooks()
  /// `deploy.kubeContext`: the context this configuration is for.
  public var kubeContext: String?
  /// `deploy.kubectl.defaultNamespace`, for objects that name none.
  public var defaultNamespace: String?
  /// The profiles that were applied, in their order.
  public var profiles: [String]
  /// The files it was read from.
  public var files: [String]
  /// The variables that templates see.
  public var environment: [String: String] = [:]
  /// The variables of hooks and builders; nil: those of templates.
  public var programs: [String: String]?
  /// The variables of hooks and builders.
  public var programEnvironment: [String: String] { programs ?? environment }
  /// The programs that templates may run; nil: none.
  public var commands: TemplateCommands?
  /// Harmless differences from Skaffold.
  public var warnings: [Diagnostic]

  public init(
    name: String? = nil, artifacts: [Artifact] = [], tagPolicy: TagPolicy = .gitCommit(GitCommitTag()),
    push: Bool? = nil, insecureRegistries: [String] = [],
    manifests: ManifestSources = ManifestSources(), portForwards: [PortForwardRule] = [], kubeContext: String? = nil,
    defaultNamespace: String? = nil,
    profiles: [String] = [], files: [String] = [], warnings: [Diagnostic] = []
  ) {
    self.name = name
    self.artifacts = artifacts
    self.tagPolicy = tagPolicy
    self.push = push
    self.insecureRegistries = insecureRegistries
    self.manifests = manifests
    self.portForwards = portForwards
    self.kubeContext = kubeContext
    self.defaultNamespace = defaultNamespace
    self.profiles = profiles
    self.files = files
    self.warnings = warnings
  }
}
