import CInotifyTools
import CLinux
import Synchronization
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one owner of libinotifytools in this process, and its thread: all watchers share the instance.
/// It exists while a watcher does.
final class InotifyHub: Sendable {
  static let shared = InotifyHub()

  /// One event for one watcher.
  struct Event {
    var watch: Int32
    /// The watcher's name for it.
    var directory: String
    var name: String
    var mask: UInt32
  }

  private struct Subscription {
    var watcher: ObjectIdentifier
    var directory: String
  }

  private struct State: ~Copyable {
    var inotify: Inotify?
    /// Grows whenever the previous thread must end.
    var epoch = 0
    var watchers: [ObjectIdentifier: TreeWatcher] = [:]
    var subscriptions: [Int32: [Subscription]] = [:]
    var events: [ObjectIdentifier: [Event]] = [:]
    var overflowed = false
    /// Watches that the kernel dropped and the library still remembers.
    var dropped = 0
  }

  private let state = Mutex(State())
  /// Wakes the thread.
  private let bell = clinux_eventfd()

  // MARK: Watchers

  func attach(_ watcher: TreeWatcher) throws(WatchError) {
    try state.withLock { state throws(WatchError) in
      if state.inotify == nil {
        state.inotify = try Inotify()
        state.epoch += 1
        let epoch = state.epoch
        do throws(ThreadError) {
          try startThread("watching") { [self] in run(epoch) }
        } catch {
          end(&state)
          throw WatchError(.system, error.description, remedy: "raise the limit of processes (ulimit -u)")
        }
      }
      state.watchers[ObjectIdentifier(watcher)] = watcher
    }
  }

  /// Ends the watcher's watches, and the instance with the last watcher.
  func detach(_ watcher: TreeWatcher) {
    state.withLock { state in
      let id = ObjectIdentifier(watcher)
      guard state.watchers.removeValue(forKey: id) != nil else { return }
      collect(&state)
      state.events[id] = nil
      if state.watchers.isEmpty { return end(&state) }
      for (watch, subscriptions) in state.subscriptions where subscriptions.contains(where: { $0.watcher == id }) {
        remove(watch, &state) { $0.watcher == id }
      }
    }
    wake()
  }

  func wake() { clinux_eventfd_signal(bell) }

  private func end(_ state: inout State) {
    if let inotify = state.inotify.take() { inotify.end() }
    state.epoch += 1
    state.subscriptions = [:]
    state.events = [:]
    (state.overflowed, state.dropped) = (false, 0)
  }

  // MARK: Watches

  /// - Returns: the watch descriptor; nil if there is no directory.
  func watch(_ directory: String, for watcher: TreeWatcher) throws(WatchError) -> Int32? {
    try state.withLock { state throws(WatchError) in
      if state.inotify == nil { throw .watching(directory, code: EMFILE, watches: 0) }
      guard let watch = try state.inotify?.watch(directory, watches: state.subscriptions.count) else { return nil }
      let new = Subscription(watcher: ObjectIdentifier(watcher), directory: directory)
      if state.subscriptions[watch]?.contains(where: { $0.watcher == new.watcher && $0.directory == directory }) != true
      {
        state.subscriptions[watch, default: []].append(new)
      }
      return watch
    }
  }

  func unwatch(_ watches: [(watch: Int32, directory: String)], for watcher: TreeWatcher) {
    guard !watches.isEmpty else { return }
    let id = ObjectIdentifier(watcher)
    let hasNews = state.withLock { state in
      // A watch that the kernel has dropped meanwhile must not be removed again: the library would complain on stderr.
      collect(&state)
      for (watch, directory) in watches { remove(watch, &state) { $0.watcher == id && $0.directory == directory } }
      return !state.events.isEmpty
    }
    if hasNews { wake() }
  }

  private func remove(_ watch: Int32, _ state: inout State, where matches: (Subscription) -> Bool) {
    guard var subscriptions = state.subscriptions[watch] else { return }
    subscriptions.removeAll(where: matches)
    state.subscriptions[watch] = subscriptions.isEmpty ? nil : subscriptions
    if subscriptions.isEmpty { state.inotify?.unwatch(watch) }
  }

  // MARK: The thread

  private func run(_ epoch: Int) {
    var deadline: ContinuousClock.Instant?
    while true {
      guard let descriptor = state.withLock({ $0.epoch == epoch ? $0.inotify?.descriptor ?? -1 : nil }) else { return }
      // Without an instance (the limit was hit while it was renewed), try again later.
      if descriptor < 0 { deadline = .now + .seconds(1) }
      cinotify_wait(descriptor, bell, deadline.map { max(0, (ContinuousClock.now.duration(to: $0)).nanoseconds) } ?? -1)
      clinux_eventfd_drain(bell)
      guard let (watchers, events, isLost) = takeEvents(epoch) else { return }
      let now = ContinuousClock.now
      for (id, list) in events { watchers[id]?.handle(list, now) }
      if isLost || descriptor < 0 { renew(epoch) }
      deadline = watchers.values.compactMap { $0.closeBatch(ContinuousClock.now) }.min()
    }
  }

  private func takeEvents(_ epoch: Int) -> (
    watchers: [ObjectIdentifier: TreeWatcher], events: [ObjectIdentifier: [Event]], isLost: Bool
  )? {
    state.withLock { state in
      guard state.epoch == epoch else { return nil }
      collect(&state)
      defer { state.events = [:] }
      // A new instance frees the library's memory of dead watches.
      return (state.watchers, state.events, state.overflowed || state.dropped > 50_000)
    }
  }

  /// Takes all waiting events. The library's buffer is empty afterwards.
  private func collect(_ state: inout State) {
    while let event = state.inotify?.next() {
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { state.overflowed = true }
      guard let subscriptions = state.subscriptions[event.watch] else { continue }
      if event.mask & UInt32(IN_IGNORED) != 0 {
        state.subscriptions[event.watch] = nil
        state.dropped += 1
      }
      for one in subscriptions {
        state.events[one.watcher, default: []].append(
          Event(watch: event.watch, directory: one.directory, name: event.name, mask: event.mask))
      }
    }
  }

  /// Makes a new instance after lost events; every watcher looks for its directories again.
  private func renew(_ epoch: Int) {
    let (watchers, events): ([ObjectIdentifier: TreeWatcher], [ObjectIdentifier: [Event]]) = state.withLock { state in
      guard state.epoch == epoch else { return ([:], [:]) }
      collect(&state)
      let events = state.events
      if let inotify = state.inotify.take() { inotify.end() }
      state.inotify = try? Inotify()
      state.subscriptions = [:]
      state.events = [:]
      (state.overflowed, state.dropped) = (false, 0)
      return (state.watchers, events)
    }
    let now = ContinuousClock.now
    for (id, watcher) in watchers {
      watcher.handle(events[id] ?? [], now)
      watcher.rebuild(now)
    }
  }
}

extension Duration {
  var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
