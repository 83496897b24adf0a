import Manifests

/// What a dev loop works from: one configuration of a skaffold.yaml with its profiles applied, or what a command line gave instead.
///
/// All paths are absolute: Skaffold takes them from the directory it is started in, not from its file's.
public struct DevConfiguration: Sendable {
  /// `metadata.name`.
  public var name: String?
  public var artifacts: [Artifact]
  public var tagPolicy: TagPolicy
  /// `build.local.push`; nil: as the cluster needs it.
  public var push: Bool?
  /// `build.insecureRegistries`: spoken to by plain HTTP.
  public var insecureRegistries: [String]
  public var manifests: ManifestSources
  public var portForwards: [PortForwardRule]
  /// `deploy.kubeContext`: the context this configuration is for.
  public var kubeContext: String?
  /// `deploy.kubectl.defaultNamespace`, for objects that name none.
  public var defaultNamespace: String?
  /// The profiles that were applied, in their order.
  public var profiles: [String]
  /// The files it was read from.
  public var files: [String]
  /// What is not as Skaffold would do it and does no harm.
  public var warnings: [Diagnostic]

  public init(
    name: String? = nil, artifacts: [Artifact] = [], tagPolicy: TagPolicy = .gitCommit(GitCommitTag()), push: Bool? = nil, insecureRegistries: [String] = [],
    manifests: ManifestSources = ManifestSources(), portForwards: [PortForwardRule] = [], kubeContext: String? = nil, defaultNamespace: String? = nil,
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

extension DevConfiguration {
  /// Reads a skaffold.yaml.
  /// - Parameters:
  ///   - file: absolute, or relative to `workingDirectory`.
  ///   - workingDirectory: absolute; what relative paths in the file are relative to, as they are to the directory Skaffold is started in.
  ///   - profiles: names to activate in this order; `-NAME` deactivates one that would activate itself.
  ///   - environment: what templates and `activation.env` see.
  ///   - command: what `activation.command` sees: `dev`, `build`, …
  ///   - kubeContext: what `activation.kubeContext` sees.
  ///   - defaultRepository: where images go (Skaffold's `--default-repo`).
  /// - Returns: one for each configuration (YAML document) in the file.
  /// - Throws: `InputError` with everything that is wrong in the file.
  public static func load(
    file: String, workingDirectory: String, profiles: [String] = [], environment: [String: String] = [:], command: String = "dev",
    kubeContext: String? = nil, defaultRepository: String? = nil
  ) throws(InputError) -> [DevConfiguration] { fatalError() }

  /// An image and where it is built, as a command line gives it.
  public struct PlainArtifact: Sendable, Hashable {
    public var name: String
    public var context: String
    /// Relative to the context, else to the working directory; nil: `Dockerfile`.
    public var dockerfile: String?

    public init(name: String, context: String, dockerfile: String? = nil) {
      self.name = name
      self.context = context
      self.dockerfile = dockerfile
    }

    /// Reads `NAME=CONTEXT[:DOCKERFILE]`.
    /// - Throws: `InputError` where a part is missing.
    public init(parsing text: String) throws(InputError) { fatalError() }
  }

  /// A configuration without a skaffold.yaml.
  /// - Parameter manifests: files, directories (their *.yaml, *.yml and *.json; a kustomization where one is there) and globs.
  /// - Throws: `InputError` with every path that is not there.
  public static func plain(manifests: [String], artifacts: [PlainArtifact], workingDirectory: String) throws(InputError) -> DevConfiguration { fatalError() }
}
