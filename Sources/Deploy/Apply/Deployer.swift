import KubeAPI
import KubeObjects
import Manifests

/// Brings manifests into a cluster, and deletes them again. A label on the objects themselves names their run: any
/// process, even one that never saw the run, can prune and delete.
public struct Deployer: Sendable {
  public struct Options: Sendable, Hashable {
    /// True if an object that refuses a change of an immutable field is deleted and made again.
    public var recreate: Bool
    /// True if missing namespaces that the manifests name are made.
    public var createNamespaces: Bool
    /// The limit for `waitReady` as a whole.
    public var readyTimeout: Duration

    public init(recreate: Bool = false, createNamespaces: Bool = true, readyTimeout: Duration = .seconds(600)) {
      self.recreate = recreate
      self.createNamespaces = createNamespaces
      self.readyTimeout = readyTimeout
    }
  }

  public let client: KubeClient
  /// The namespace for manifests that name none.
  public let namespace: String
  /// The value of `RunLabel.key` on everything of this loop: letters, digits, '-', '_' and '.', at most 63.
  public let run: String
  public var options: Options
  /// The objects that were applied under this run's name.
  public let scope: RunScope
  let kinds: KindTable
  let memory = RunMemory()

  /// - Parameter scope: of an earlier deployer of the same run, so that its objects stay known.
  public init(
    client: KubeClient, namespace: String, run: String, scope: RunScope = RunScope(), options: Options = Options()
  ) {
    self.scope = scope
    self.client = client
    self.namespace = namespace
    self.run = run
    self.options = options
    kinds = KindTable(client: client)
  }
}
