import Manifests

/// A Pod of what was applied last, ready.
public struct ReadyPod: Sendable, Hashable {
  public var namespace: String
  public var name: String
  public var uid: String
  /// Whose it is; the Pod itself where the manifests hold it.
  public var workload: ObjectID

  public init(namespace: String, name: String, uid: String, workload: ObjectID) {
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.workload = workload
  }
}
