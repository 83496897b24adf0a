import KubeObjects
import Synchronization

/// The objects that a run has applied in this process, which decide which Pods are the run's. The run's label alone
/// proves nothing: anyone who may create a Pod can write it.
public final class RunScope: Sendable {
  private struct State {
    var uids: Set<String> = []
    var namespaces: Set<String> = []
    var followers: [AsyncStream<String>.Continuation] = []
  }

  private let state = Mutex(State())

  public init() {}

  func note(uid: String) { state.withLock { _ = $0.uids.insert(uid) } }

  /// Notes namespaces. Call it after the objects are noted, so that followers of a namespace know them.
  func note(namespaces: some Sequence<String> & Sendable) {
    state.withLock { state in
      for namespace in namespaces where state.namespaces.insert(namespace).inserted {
        for follower in state.followers { follower.yield(namespace) }
      }
    }
  }

  func holds(_ uid: String?) -> Bool { uid.map { uid in state.withLock { $0.uids.contains(uid) } } ?? false }

  /// The namespaces it applied something in.
  var namespaces: Set<String> { state.withLock { $0.namespaces } }

  /// Returns each namespace once, known ones and later ones, until the task is cancelled.
  func followNamespaces() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    state.withLock { state in
      for namespace in state.namespaces.sorted() { continuation.yield(namespace) }
      state.followers.append(continuation)
    }
    return stream
  }
}
