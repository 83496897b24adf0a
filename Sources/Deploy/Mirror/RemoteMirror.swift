import KubeAPI
import Manifests

/// A Secret or ConfigMap that manifests need and do not hold.
public struct MirroredReference: Sendable, Hashable {
  public var id: ObjectID
  /// Who needs it, and in which field: `Deployment user, spec.template.spec.containers[0].envFrom[0]`.
  public var usedBy: String
  public var position: SourcePosition?

  public init(id: ObjectID, usedBy: String, position: SourcePosition?) {
    self.id = id
    self.usedBy = usedBy
    self.position = position
  }
}

/// Copies of what the manifests reference and only the remote cluster has. They bear the run's label, so that `Deployer.delete` takes them away.
public struct RemoteMirror: Sendable {
  public struct Result: Sendable, Hashable {
    public var copied: [ObjectID]
    /// The remote cluster lacks them too, or does not let us read them: what, and why.
    public var unavailable: [(ObjectID, String)] { unavailableIDs.map { ($0.key, $0.value) }.sorted { $0.0.name < $1.0.name } }
    var unavailableIDs: [ObjectID: String]
  }

  public let remote: KubeClient
  public let remoteNamespace: String
  public let local: KubeClient
  /// Where manifests go that name no namespace.
  public let localNamespace: String
  public let run: String

  public init(remote: KubeClient, remoteNamespace: String, local: KubeClient, localNamespace: String, run: String) {
    self.remote = remote
    self.remoteNamespace = remoteNamespace
    self.local = local
    self.localNamespace = localNamespace
    self.run = run
  }

  /// What the manifests reference, do not hold, and cannot do without. Tokens of ServiceAccounts are never among them.
  public static func references(in manifests: [Manifest], namespace: String) -> [MirroredReference] { fatalError() }

  /// Of the references, those that the local cluster lacks, or has as an earlier copy.
  public func missing(for manifests: [Manifest]) async throws(DeployError) -> [MirroredReference] { fatalError() }

  /// Copies them, all from the remote namespace, each into the namespace of its reference, which is made if it is missing.
  public func copy(_ references: [MirroredReference]) async throws(DeployError) -> Result { fatalError() }
}
