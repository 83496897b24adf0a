/// A file of the host that changed, and its path in the container.
public struct FileChange: Sendable, Hashable {
  /// Absolute, on the host; nil if the file is gone.
  public var source: String?
  /// Absolute, or relative to the container's working directory.
  public var destination: String

  public init(source: String?, destination: String) {
    self.source = source
    self.destination = destination
  }
}

/// The result of a sync.
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
  /// Written and deleted, in each target.
  public var files: Int
  /// Of the files' contents.
  public var bytes: Int
  public var duration: Duration

  public init(targets: [Target], files: Int, bytes: Int, duration: Duration) {
    self.targets = targets
    self.files = files
    self.bytes = bytes
    self.duration = duration
  }
}
