import Manifests
import Skaffold

/// Where a loop's configuration comes from, each time it is read.
public struct LoopSource: Sendable {
  /// Watched also while they cannot be read; absolute.
  public var files: [String]
  public var configurations: @Sendable () async throws(LoopError) -> [DevConfiguration]
  /// What the configurations are built and deployed with; asks the cluster who it is.
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

/// How a loop treats what it was given.
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
  /// What templates, kustomize and git see.
  public var environment: [String: String]
  /// Until a failure that may heal by itself is tried again.
  public var retryAfter: Duration = .seconds(3)
  /// True if forwards listen where the configuration says, also where other machines reach them.
  public var opensPorts = false
  /// Where chosen host ports are remembered; nil: nowhere.
  public var portMemory: String?
  /// True if what runs is watched also where no files are.
  var watchesTrouble = false
  /// Manifests may ask for more than their repository's files (`--trust`).
  public var trusts = false
  /// Where it is remembered what was allowed so; nil: nowhere.
  public var trustMemory: String?

  public init(environment: [String: String]) { self.environment = environment }
}
