import Manifests
import Skaffold

/// The source of a loop's configuration, each time it is read.
public struct LoopSource: Sendable {
  /// Absolute; watched even while they cannot be read.
  public var files: [String]
  /// Returns the files that were read last, also if they could not be understood.
  public var filesRead: @Sendable () -> [String] = { [] }
  public var configurations: @Sendable () async throws(LoopError) -> [DevConfiguration]
  /// Returns the parts to build and deploy the configurations with; asks the cluster for its identity.
  public var parts: @Sendable ([DevConfiguration]) async throws(LoopError) -> LoopParts

  public init(
    files: [String], configurations: @escaping @Sendable () async throws(LoopError) -> [DevConfiguration],
    parts: @escaping @Sendable ([DevConfiguration]) async throws(LoopError) -> LoopParts
  ) {
    self.files = files
    self.configurations = configurations
    self.parts = parts
  }
}

/// The options of a loop.
public struct LoopOptions: Sendable, Hashable {
  /// Pods get `dnsPolicy: Default`.
  public var dnsPolicy = true
  /// Containers with a built image get `imagePullPolicy: IfNotPresent`.
  public var pullPolicy = true
  /// For objects that name none (`--namespace`); nil: the configuration's, else the context's.
  public var namespace: String?
  /// References for images that are not built: `deploy --images`.
  public var images: [String: String] = [:]
  /// True if artifacts are built at all.
  public var builds = true
  /// The environment of the process: that of kustomize, helm and git.
  public var environment: [String: String]
  /// The pause before a failure that may pass by itself is retried.
  public var retryAfter: Duration = .seconds(3)
  /// True if forwards listen on the configured addresses even if other machines reach them.
  public var opensPorts = false
  /// The file that remembers chosen host ports; nil: none.
  public var portMemory: String?
  /// True if running workloads are watched even if no files are.
  var watchesTrouble = false
  /// The demands of manifests beyond their repository's files that are allowed.
  public var trust = Trust()
  /// The file that remembers the demands allowed by `--trust`; nil: none.
  public var trustMemory: String?

  public init(environment: [String: String]) { self.environment = environment }
}
