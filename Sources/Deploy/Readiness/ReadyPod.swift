import Manifests

/// A ready Pod of the last deployment.
public struct ReadyPod: Sendable, Hashable {
  public var namespace: String
  public var name: String
  public var uid: String
  /// The Pod's workload; the Pod itself if the manifests hold it.
  public var workload: ObjectID

  public init(namespace: String, name: String, uid: String, workload: ObjectID) {
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.workload = workload
  }
}
