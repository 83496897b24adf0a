import CInotifyTools

/// The interpretation of events.
extension TreeWatcher {
  func handle(_ events: [InotifyHub.Event], _ now: ContinuousClock.Instant) {
    state.withLock { state in
      var mustLook = false
      // An event of a directory that is no longer watched under this name is old: its present contents were
      // looked at since.
      for event in events where state.directories[event.directory] == event.watch {
        if event.name.isEmpty {
          mustLook = handleSelf(event, &state, now) || mustLook
        } else if event.mask & UInt32(IN_ISDIR) != 0 {
          mustLook = handleDirectory(event, &state, now) || mustLook
        } else {
          handleFile(event, &state, now)
        }
      }
      if mustLook { lookAgain(&state, now) }
    }
  }

  private func path(_ event: InotifyHub.Event) -> String {
    event.directory == "/" ? "/" + event.name : event.directory + "/" + event.name
  }

  private func handleFile(_ event: InotifyHub.Event, _ state: inout State, _ now: ContinuousClock.Instant) {
    let path = path(event)
    guard state.wanted.includes(path) || state.aliases[path] != nil else { return }
    let kind: PendingBatch.Event =
      switch event.mask {
      case let mask where mask & UInt32(IN_CREATE) != 0: .created
      case let mask where mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0: .removed
      default: .closed
      }
    state.pending.note(state.aliases[path] ?? path, kind, now)
  }

  /// Handles an event of the watched directory itself. - Returns: whether to look for trees or files again.
  private func handleSelf(_ event: InotifyHub.Event, _ state: inout State, _ now: ContinuousClock.Instant) -> Bool {
    let isGone = event.mask & UInt32(IN_IGNORED) != 0
    let isRoot = state.plain.contains(event.directory) || state.wanted.trees.contains { $0.root == event.directory }
    if isGone { state.directories[event.directory] = nil }
    // Otherwise the directory above reports the move.
    if event.mask & UInt32(IN_MOVE_SELF) != 0, isRoot {
      forget(event.directory, &state)
    } else if !isGone {
      return false
    }
    if isRoot { state.pending.note(event.directory, .removed, now) }
    return isRoot
  }

  /// Handles an event of a directory in a watched one.
  private func handleDirectory(_ event: InotifyHub.Event, _ state: inout State, _ now: ContinuousClock.Instant) -> Bool
  {
    let path = path(event)
    let isWanted = state.wanted.mayInclude(in: path)
    if event.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 {
      // A directory formerly of this name is gone, but its watches would still report another place.
      if event.mask & UInt32(IN_MOVED_TO) != 0 { forget(path, &state) }
      // A directory that is watched already was found by looking, and so were its files.
      if isWanted, state.directories[path] == nil {
        state.pending.note(path, .found, now)
        lookInto(path, &state, now)
      }
      return state.isIncomplete
    }
    guard event.mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0 else { return false }
    if event.mask & UInt32(IN_MOVED_FROM) != 0 { forget(path, &state) }
    if isWanted { state.pending.note(path, .removed, now) }
    return false
  }

  private func lookInto(_ directory: String, _ state: inout State, _ now: ContinuousClock.Instant) {
    var visited: Set<String> = []
    for tree in state.wanted.trees {
      guard let relative = tree.relative(directory), tree.selection.mayInclude(in: relative) else { continue }
      do throws(WatchError) {
        try scan(tree, from: relative, &state, visited: &visited) { path, state in state.pending.note(path, .found, now)
        }
      } catch { state.pending.note(error, now) }
    }
  }

  /// Looks again after a tree's root or a single file's directory came or went.
  private func lookAgain(_ state: inout State, _ now: ContinuousClock.Instant) {
    let before = state.plain
    var missing = state.wanted.trees.filter { state.directories[$0.root] == nil }
    for tree in missing { lookInto(tree.root, &state, now) }
    missing = missing.filter { state.directories[$0.root] == nil }
    do throws(WatchError) { try watchPlain(&state) } catch { state.pending.note(error, now) }
    // A root that was created in between is watched for its own sake only.
    for tree in missing where state.directories[tree.root] != nil { lookInto(tree.root, &state, now) }
    for file in state.wanted.files where !before.contains(parentDirectory(file)) && FileStatus(file) != nil {
      state.pending.note(file, .found, now)
    }
    unwatch(before.subtracting(state.plain).filter { !state.wanted.mayInclude(in: $0) }, &state)
  }
}
