import KubeAPI

/// A file of the host that changed, and where it is in the container.
public struct FileChange: Sendable, Hashable {
  /// Absolute, on the host; nil when the file is gone.
  public var source: String?
  /// Absolute, or relative to the container's working directory.
  public var destination: String

  public init(source: String?, destination: String) {
    self.source = source
    self.destination = destination
  }
}

/// Where a sync went.
public struct SyncReport: Sendable, Hashable {
  public struct Target: Sendable, Hashable {
    public var namespace: String
    public var pod: String
    public var container: String

    public init(namespace: String, pod: String, container: String) {
      self.namespace = namespace
      self.pod = pod
      self.container = container
    }
  }

  public var targets: [Target]
  public var files: Int
  public var bytes: Int
  public var duration: Duration
}

/// Changed files into running containers, by tar over exec (Skaffold, `sync.manual`).
public struct FileSync: Sendable {
  public let client: KubeClient
  /// Nil for all namespaces.
  public let namespace: String?
  public let run: String

  public init(client: KubeClient, namespace: String?, run: String) {
    self.client = client
    self.namespace = namespace
    self.run = run
  }

  /// Deletes and writes files in every running container of the run whose image is this one.
  /// - Parameter image: as the applied manifests write it.
  /// - Throws: `.needsBuild` where it cannot be done: no container runs, no tar or rm in it, a file that cannot be written. Some containers may have been changed.
  public func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> SyncReport { fatalError() }
}
