import KubeAPI
import KubeObjects
import Manifests

/// Brings manifests into a cluster, and what it brought out again. What belongs to a run is told by a label on the objects themselves: any process,
/// also one that never saw the run, can prune and delete.
public struct Deployer: Sendable {
  public struct Options: Sendable, Hashable {
    /// An object that refuses a change of an immutable field is deleted and made anew.
    public var recreate: Bool
    /// Namespaces that the manifests name and the cluster lacks are made.
    public var createNamespaces: Bool
    /// For `waitReady` as a whole.
    public var readyTimeout: Duration

    public init(recreate: Bool = false, createNamespaces: Bool = true, readyTimeout: Duration = .seconds(600)) {
      self.recreate = recreate
      self.createNamespaces = createNamespaces
      self.readyTimeout = readyTimeout
    }
  }

  public let client: KubeClient
  /// Where manifests go that name no namespace.
  public let namespace: String
  /// The value of `RunLabel.key` on everything of this loop: letters, digits, '-', '_' and '.', at most 63.
  public let run: String
  public var options: Options

  public init(client: KubeClient, namespace: String, run: String, options: Options = Options()) {
    self.client = client
    self.namespace = namespace
    self.run = run
    self.options = options
  }

  /// Applies all manifests by server-side apply: Namespaces, then CRDs (until they are established), then the rest, workloads last.
  /// - Throws: every object that the server refused, the others in `DeployError.others`; what could be applied has been.
  public func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied { fatalError() }

  /// Deletes what the run has in the cluster beside these. Mirrored objects stay.
  /// - Returns: what is going.
  public func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID] { fatalError() }

  /// Waits until every workload that was applied runs its new Pods, all ready.
  /// - Throws: `.notReady` as soon as it is plain that waiting will not help, with the reasons; `.timedOut` with what is known by then.
  public func waitReady(
    _ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void = { _ in }
  ) async throws(DeployError) { fatalError() }

  /// Deletes all that the run has in the cluster, mirrored objects and the namespaces it made included.
  /// - Parameters:
  ///   - gracePeriod: seconds for Pods to end, nil for their own.
  ///   - waiting: also waits until the objects are gone.
  /// - Returns: what is going.
  public func delete(gracePeriod: Int? = nil, waiting: Bool = false) async throws(DeployError) -> [ObjectID] { fatalError() }
}
