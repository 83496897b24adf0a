import KubeObjects

/// The events of a watch. Each iteration is a watch of its own; it lasts until its task is cancelled or its iterator
/// dropped, even if the connection is cut or the server restarts, and neither loses nor repeats a change of state
/// (changes during a gap may be merged).
public struct WatchSequence: AsyncSequence, Sendable {
  public typealias Element = WatchEvent
  public typealias Failure = KubeError

  let client: KubeClient
  let resource: APIResource
  let namespace: String?
  let labels: LabelSelector?
  let fields: String?
  let start: WatchStart

  public struct Iterator: AsyncIteratorProtocol {
    private let watcher: Watcher

    init(_ watcher: Watcher) { self.watcher = watcher }

    public mutating func next() async throws -> WatchEvent? { try await watcher.next() }
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(KubeError) -> WatchEvent? {
      try await watcher.next(isolation: actor)
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(Watcher(self)) }
}

extension KubeClient {
  /// Watches objects. Once it has worked, only errors that waiting cannot cure end it, such as
  /// permissions that were taken away.
  /// - Parameters:
  ///   - namespace: nil for all namespaces.
  ///   - fields: a field selector, such as `metadata.name=user`.
  public func watch(
    _ resource: APIResource, namespace: String?, labels: LabelSelector? = nil, fields: String? = nil,
    from start: WatchStart = .list
  ) -> WatchSequence {
    WatchSequence(client: self, resource: resource, namespace: namespace, labels: labels, fields: fields, start: start)
  }
}
