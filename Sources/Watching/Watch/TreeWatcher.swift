import Synchronization

/// One watcher: its watched directories, and the batch that it gathers. `InotifyHub`'s thread brings
/// events; any thread may update it.
final class TreeWatcher: Sendable {
  struct State {
    var wanted = WantedPaths()
    /// Watch descriptors of the watched directories.
    var directories: [String: Int32] = [:]
    /// Directories that are watched for single names in them: files, or missing parts of a tree's path.
    var plain: Set<String> = []
    /// The true paths of single files behind symbolic links, each with the path that was asked for.
    var aliases: [String: String] = [:]
    /// True if a tree or a file's directory does not exist.
    var isIncomplete = false
    var pending = PendingBatch()
    var isStopped = false
  }

  let hub: InotifyHub
  let state = Mutex(State())
  private let quiet: Duration
  private let longest: Duration
  private let output: AsyncStream<ChangeBatch>.Continuation

  init(hub: InotifyHub, quiet: Duration, longest: Duration, output: AsyncStream<ChangeBatch>.Continuation) {
    self.hub = hub
    self.quiet = quiet
    self.longest = longest
    self.output = output
  }

  func start(_ set: WatchSet) throws(WatchError) {
    try hub.attach(self)
    do throws(WatchError) { try update(set) } catch {
      stop()
      throw error
    }
  }

  func stop() {
    hub.detach(self)
    state.withLock { state in
      state.isStopped = true
      state.directories = [:]
    }
    output.finish()
  }

  func update(_ set: WatchSet) throws(WatchError) {
    // There may be a problem to report.
    defer { hub.wake() }
    let wanted = WantedPaths(set)
    try state.withLock { state throws(WatchError) in
      guard !state.isStopped else { return }
      let old = state
      state.wanted = wanted
      do throws(WatchError) {
        let visited = try watchAll(&state)
        unwatch(state.directories.keys.filter { !visited.contains($0) && !state.plain.contains($0) }, &state)
      } catch {
        unwatch(state.directories.keys.filter { old.directories[$0] == nil }, &state)
        (state.wanted, state.plain, state.aliases, state.isIncomplete) = (
          old.wanted, old.plain, old.aliases, old.isIncomplete
        )
        throw error
      }
    }
  }

  /// Starts again after all watches were lost, and events with them.
  func rebuild(_ now: ContinuousClock.Instant) {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.directories = [:]
      state.pending.overflow(now)
      do throws(WatchError) { _ = try watchAll(&state) } catch { state.pending.note(error, now) }
    }
  }

  /// Closes the batch if it is time to. - Returns: the time to ask again; nil if nothing is gathered.
  func closeBatch(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    state.withLock { state in
      guard let deadline = state.pending.deadline(quiet: quiet, longest: longest, now: now), deadline <= now else {
        return state.pending.deadline(quiet: quiet, longest: longest, now: now)
      }
      if let batch = state.pending.close(), !state.isStopped { output.yield(batch) }
      return nil
    }
  }
}
