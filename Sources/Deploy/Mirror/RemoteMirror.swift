import KubeAPI
import KubeObjects
import Manifests

/// A Secret or ConfigMap that manifests need and do not hold.
public struct MirroredReference: Sendable, Hashable {
  public var id: ObjectID
  /// The object that needs it, and the field: `Deployment user, spec.template.spec.containers[0].envFrom[0].secretRef`.
  public var usedBy: String
  public var position: SourcePosition?

  public init(id: ObjectID, usedBy: String, position: SourcePosition?) {
    self.id = id
    self.usedBy = usedBy
    self.position = position
  }
}

/// The result of a copy.
public struct MirrorResult: Sendable, Hashable {
  public struct Unavailable: Sendable, Hashable {
    public var reference: MirroredReference
    /// The remote cluster lacks it or does not let us read it, or it must not be copied.
    public var reason: String
  }

  public var copied: [ObjectID]
  public var unavailable: [Unavailable]
  public var createdNamespaces: [String]
}

/// Copies of objects that the manifests reference and only the remote cluster has. They have the run's label, so that
/// `Deployer.delete` deletes them.
public struct RemoteMirror: Sendable {
  public let remote: KubeClient
  public let remoteNamespace: String
  public let local: KubeClient
  /// The namespace for manifests that name none.
  public let localNamespace: String
  public let run: String

  public init(remote: KubeClient, remoteNamespace: String, local: KubeClient, localNamespace: String, run: String) {
    self.remote = remote
    self.remoteNamespace = remoteNamespace
    self.local = local
    self.localNamespace = localNamespace
    self.run = run
  }

  /// Returns the objects that the manifests reference and do not hold, each once, without optional references.
  public static func references(in manifests: [Manifest], namespace: String) -> [MirroredReference] {
    func key(_ kind: String, _ name: String, _ space: String?) -> ObjectID {
      ObjectID(apiVersion: "v1", kind: kind, namespace: space ?? namespace, name: name)
    }
    var seen = Set(manifests.filter { $0.apiVersion == "v1" }.map { key($0.kind, $0.name, $0.namespace) })
    var references: [MirroredReference] = []
    for manifest in manifests {
      for reference in PodReferences(manifest.object).found {
        let id = key(reference.kind, reference.name, manifest.namespace)
        guard seen.insert(id).inserted else { continue }
        references.append(
          MirroredReference(
            id: id, usedBy: "\(manifest.kind) \(manifest.name), \(reference.field)", position: manifest.position))
      }
    }
    return references
  }

  /// Returns the references that the local cluster lacks, or has as an earlier copy of this run.
  public func missing(for manifests: [Manifest]) async throws(DeployError) -> [MirroredReference] {
    var missing: [MirroredReference] = []
    for reference in Self.references(in: manifests, namespace: localNamespace) {
      let found = try await attempt("looking for \(reference.id)") { () async throws(KubeError) in
        try await local.find(Self.resource(reference.id), reference.id.name, namespace: reference.id.namespace)
      }
      if found == nil || isCopy(found) { missing.append(reference) }
    }
    return missing
  }

  /// Copies them, all from the remote namespace, each into the namespace of its reference, which is made if missing.
  /// - Throws: if the local cluster refuses a copy. Refusals of the remote one are in the result.
  public func copy(_ references: [MirroredReference]) async throws(DeployError) -> MirrorResult {
    var result = MirrorResult(copied: [], unavailable: [], createdNamespaces: [])
    let deployer = Deployer(
      client: local, namespace: localNamespace, run: run, options: Deployer.Options(recreate: true))
    var copies: [Manifest] = []
    for reference in references {
      do throws(KubeError) {
        let original = try await remote.get(Self.resource(reference.id), reference.id.name, namespace: remoteNamespace)
        if let reason = Self.refusal(original) {
          result.unavailable.append(MirrorResult.Unavailable(reference: reference, reason: reason))
        } else {
          copies.append(Manifest(copy(of: original, in: reference.id.namespace), position: reference.position))
        }
      } catch {
        let reason =
          error.isNotFound ? "namespace \(remoteNamespace) of \(remote.access.contextName) has none" : "\(error)"
        result.unavailable.append(MirrorResult.Unavailable(reference: reference, reason: reason))
      }
    }
    let applied = try await deployer.apply(copies)
    result.copied = applied.ids
    result.createdNamespaces = applied.createdNamespaces
    return result
  }

  /// Returns the reason not to copy: tokens are worthless in another cluster, and not ours to spread.
  private static func refusal(_ original: JSONValue) -> String? {
    switch original["type"]?.stringValue {
    case "kubernetes.io/service-account-token": "it is a ServiceAccount's token, which is never copied"
    case "bootstrap.kubernetes.io/token": "it is a bootstrap token, which is never copied"
    default: nil
    }
  }

  /// Copies contents and type; the original's labels and annotations mean something to other controllers.
  func copy(of original: JSONValue, in namespace: String?) -> JSONValue {
    var copy: JSONValue = ["apiVersion": "v1"]
    copy.name = original.name
    copy.namespace = namespace
    copy.annotations = [RunLabel.mirroredFrom: "\(remote.access.contextName)/\(remoteNamespace)"]
    for member in ["kind", "type", "data", "binaryData"] { copy[member] = original[member] }
    return copy
  }

  private func isCopy(_ object: JSONValue?) -> Bool {
    object?.annotations[RunLabel.mirroredFrom] != nil && object?.labels[RunLabel.key] == run
  }

  private static func resource(_ id: ObjectID) -> APIResource { id.kind == "Secret" ? .secrets : .configMaps }
}
