import KubeAPI

/// One line of a container's output.
public struct LogLine: Sendable, Hashable {
  public var namespace: String
  public var pod: String
  public var container: String
  /// RFC 3339, nanoseconds, as the node wrote it.
  public var time: String
  /// Without its line break; longer lines than 64 KiB come in pieces.
  public var text: String

  public init(namespace: String, pod: String, container: String, time: String, text: String) {
    self.namespace = namespace
    self.pod = pod
    self.container = container
    self.time = time
    self.text = text
  }
}

/// What all containers of all Pods of a run write, init containers too, as they write it. Restarts and replaced Pods are followed, cut streams are taken
/// up again, and no line comes twice. A reader that is slow slows the streams, and holds no more than some hundred lines of each.
///
/// Ends when its task is cancelled, or with what waiting cannot mend.
public struct PodLogs: AsyncSequence, Sendable {
  public typealias Element = LogLine
  public typealias Failure = DeployError

  public let client: KubeClient
  /// Nil for all namespaces.
  public let namespace: String?
  public let run: String
  /// Nothing older is told; RFC 3339.
  public let since: String

  /// - Parameter since: nil for now.
  public init(client: KubeClient, namespace: String?, run: String, since: String? = nil) { fatalError() }

  public struct Iterator: AsyncIteratorProtocol {
    public mutating func next() async throws -> LogLine? { fatalError() }
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(DeployError) -> LogLine? { fatalError() }
  }

  public func makeAsyncIterator() -> Iterator { fatalError() }
}
