import Manifests

/// The progress of one workload.
public struct ReadinessProgress: Sendable, Hashable {
  public enum State: Sendable, Hashable {
    /// The reason for waiting, in a few words: `1 of 2 ready: user-7d9: pulling image`.
    case waiting(String)
    case ready
    /// Waiting will not help.
    case failed(String)
  }

  public var object: ObjectID
  public var state: State
  /// Pods of the new template that are ready (Jobs: completions).
  public var ready: Int
  /// Pods that the workload asks for (Jobs: completions).
  public var wanted: Int
  /// Since `waitReady` was called.
  public var elapsed: Duration

  public init(object: ObjectID, state: State, ready: Int, wanted: Int, elapsed: Duration) {
    self.object = object
    self.state = state
    self.ready = ready
    self.wanted = wanted
    self.elapsed = elapsed
  }
}
