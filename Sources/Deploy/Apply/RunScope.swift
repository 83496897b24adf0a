import KubeObjects
import Synchronization

/// What a run has applied in this process: whose Pods are the run's. The run's label alone proves nothing, for whoever
/// may create a Pod can write it.
public final class RunScope: Sendable {
  private struct State {
    var uids: Set<String> = []
    var namespaces: Set<String> = []
    var followers: [AsyncStream<String>.Continuation] = []
  }

  private let state = Mutex(State())

  public init() {}

  func note(uid: String) { state.withLock { _ = $0.uids.insert(uid) } }

  /// After the objects themselves: whoever follows a namespace is to know them.
  func note(namespaces: some Sequence<String> & Sendable) {
    state.withLock { state in
      for namespace in namespaces where state.namespaces.insert(namespace).inserted {
        for follower in state.followers { follower.yield(namespace) }
      }
    }
  }

  func holds(_ uid: String?) -> Bool { uid.map { uid in state.withLock { $0.uids.contains(uid) } } ?? false }

  /// Where it applied something.
  var namespaces: Set<String> { state.withLock { $0.namespaces } }

  /// Each namespace once, those that are known and those to come, until the task is cancelled.
  func followNamespaces() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    state.withLock { state in
      for namespace in state.namespaces.sorted() { continuation.yield(namespace) }
      state.followers.append(continuation)
    }
    return stream
  }
}
