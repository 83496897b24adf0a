import Deploy
import Images
import Manifests
import Skaffold
import Watching

/// The tools of a loop. Its protocols are as narrow as the loop's needs, so that tests can replace
/// builders and clusters.
public struct LoopParts: Sendable {
  public var builder: any ImageBuilding
  public var loader: any ImageLoading
  public var deployer: any ManifestDeploying
  public var syncer: any FileSyncing
  /// nil: nothing is forwarded.
  public var forwarder: (any PortForwarding)?
  /// nil: no logs are followed.
  public var logs: (@Sendable (_ line: @escaping @Sendable (DevEvent.Log) -> Void) async -> Void)?
  /// nil: no command runs in containers.
  public var commands: (any ContainerCommanding)?
  /// nil: nothing is copied from another cluster.
  public var mirror: (any ObjectMirroring)?
  /// The contents of the event `configured`.
  public var description: Description
  /// Notes for the user.
  public var notes: [String] = []

  public struct Description: Sendable, Hashable {
    public var builder: String
    public var cluster: String
    public var context: String
    public var namespace: String
    /// The name of the run, which its objects have as a label.
    public var run = ""

    public init(builder: String, cluster: String, context: String, namespace: String) {
      self.builder = builder
      self.cluster = cluster
      self.context = context
      self.namespace = namespace
    }
  }

  public init(
    builder: any ImageBuilding, loader: any ImageLoading, deployer: any ManifestDeploying, syncer: any FileSyncing,
    forwarder: (any PortForwarding)? = nil,
    logs: (@Sendable (_ line: @escaping @Sendable (DevEvent.Log) -> Void) async -> Void)? = nil,
    mirror: (any ObjectMirroring)? = nil, description: Description
  ) {
    self.builder = builder
    self.loader = loader
    self.deployer = deployer
    self.syncer = syncer
    self.forwarder = forwarder
    self.logs = logs
    self.mirror = mirror
    self.description = description
  }
}

public protocol ImageBuilding: Sendable {
  /// As `ImageBuilder.build`.
  func build(
    _ artifacts: [Artifact], tags: [String: String], output: @escaping @Sendable (String, String) -> Void
  ) async throws(BuildError) -> [BuiltImage]

  /// As `ImageBuilder.prune`.
  func prune(_ artifacts: [Artifact], keeping count: Int) async
}

public protocol ImageLoading: Sendable {
  /// - Returns: the immutable reference for the manifests.
  func load(_ image: BuiltImage) async throws(BuildError) -> String
}

public protocol ManifestDeploying: Sendable {
  func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied
  func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID]
  func waitReady(_ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void)
    async throws(DeployError)
  /// As `Deployer.settle`.
  func settle(_ applied: Applied) async throws(DeployError)
  /// As `Deployer.watchTrouble`.
  func watchTrouble(_ applied: Applied, onChange: @escaping @Sendable (Trouble) -> Void) async throws(DeployError)
  func delete() async throws(DeployError) -> [ObjectID]
}

public protocol FileSyncing: Sendable {
  /// As `FileSync.prepare`.
  func prepare(images: [String]) async

  /// - Returns: the number of containers that have the files now.
  func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> Int
}

public protocol ContainerCommanding: Sendable {
  /// As `ContainerCommands.run`.
  func run(_ hook: ContainerHook, image: String?, step: String?, line: @escaping @Sendable (String) -> Void)
    async throws(DeployError) -> Int
}

public protocol ObjectMirroring: Sendable {
  /// The source of the copies, `context/namespace`.
  var source: String { get }
  /// Copies the objects that the manifests need and the cluster lacks.
  /// - Returns: the copies, and a line for each object that cannot be copied.
  func mirror(for manifests: [Manifest]) async throws(DeployError) -> (copied: [ObjectID], problems: [String])
}

public protocol PortForwarding: Sendable {
  /// Returns once the port listens; the forward lasts until `close` is called or the loop's process ends.
  /// - Parameter host: the port of this machine.
  func open(_ forward: PortForward, host: UInt16) async throws(LoopError) -> any OpenPortForward
}

public protocol OpenPortForward: Sendable {
  /// False once something else has ended it.
  var isOpen: Bool { get }
  /// Returns when it has ended.
  func ended() async
  func close() async
}
