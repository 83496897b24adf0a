/// Keys that wait for a controller: each at most once, however often it is asked for.
actor WorkQueue<Key: Hashable & Sendable> {
  private var waiting: [Key] = []
  private var isWaiting: Set<Key> = []
  private let signal: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() { (signal, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

  func add(_ keys: [Key]) {
    for key in keys where isWaiting.insert(key).inserted { waiting.append(key) }
    if !waiting.isEmpty { continuation.yield() }
  }

  /// Becomes available each time that there may be something to `take`.
  nonisolated var wakeups: AsyncStream<Void> { signal }

  func take() -> Key? {
    guard !waiting.isEmpty else { return nil }
    let key = waiting.removeFirst()
    isWaiting.remove(key)
    return key
  }
}
