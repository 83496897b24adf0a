#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The watched directories. Always watch first and look afterwards, so that entries created in between are seen.
extension TreeWatcher {
  /// Watches everything wanted. - Returns: the trees' directories.
  func watchAll(_ state: inout State) throws(WatchError) -> Set<String> {
    var visited: Set<String> = []
    for tree in state.wanted.trees { try scan(tree, from: "", &state, visited: &visited) }
    let missing = state.wanted.trees.filter { state.directories[$0.root] == nil }
    try watchPlain(&state)
    // A root that was created in between is watched for its own sake only.
    for tree in missing where state.directories[tree.root] != nil {
      try scan(tree, from: "", &state, visited: &visited)
    }
    return visited
  }

  /// Watches a tree, or the part from a directory on.
  /// - Parameters:
  ///   - visited: gets every directory of the tree.
  ///   - found: called for all files.
  func scan(
    _ tree: WantedPaths.Tree, from start: String, _ state: inout State, visited: inout Set<String>,
    found: ((String, inout State) -> Void)? = nil
  ) throws(WatchError) {
    var problem: WatchError?
    _ = walkTree(tree.root, from: start, wantsFiles: found != nil) { relative in
      guard problem == nil, tree.selection.mayInclude(in: relative) else { return false }
      let path = tree.absolute(relative)
      do throws(WatchError) {
        guard try ensureWatched(path, &state) else { return false }
        visited.insert(path)
        return true
      } catch {
        // One unreadable directory does not keep the rest from being watched.
        if error.code == .limit { problem = error } else { state.pending.note(error, .now) }
        return false
      }
    } file: { relative, kind in
      if kind != .other, tree.selection.includes(relative) { found?(tree.absolute(relative), &state) }
    }
    if let problem { throw problem }
  }

  /// - Returns: false if there is no directory.
  func ensureWatched(_ path: String, _ state: inout State) throws(WatchError) -> Bool {
    if state.directories[path] != nil { return true }
    guard let watch = try hub.watch(path, for: self) else { return false }
    state.directories[path] = watch
    return true
  }

  func unwatch(_ paths: [String], _ state: inout State) {
    hub.unwatch(paths.compactMap { path in state.directories.removeValue(forKey: path).map { ($0, path) } }, for: self)
  }

  /// Forgets a directory that moved, with everything below it.
  func forget(_ directory: String, _ state: inout State) {
    unwatch(state.directories.keys.filter { $0 == directory || belowPath($0, directory) != nil }, &state)
  }

  /// Watches for single files, and for trees that do not exist: the nearest existing directory.
  func watchPlain(_ state: inout State) throws(WatchError) {
    state.plain = []
    state.aliases = [:]
    state.isIncomplete = false
    for tree in state.wanted.trees where state.directories[tree.root] == nil { try watchNearest(tree.root, &state) }
    for file in state.wanted.files {
      try watchNearest(parentDirectory(file), &state)
      guard linkTarget(file) != nil, let real = realpath(file, nil) else { continue }
      defer { free(real) }
      state.aliases[String(cString: real)] = file
      try watchNearest(parentDirectory(String(cString: real)), &state)
    }
  }

  private func watchNearest(_ directory: String, _ state: inout State) throws(WatchError) {
    var path = directory
    while true {
      if try ensureWatched(path, &state) {
        state.plain.insert(path)
        if path == directory { return }
        // It may have been created before the watch was in place.
        guard let missing = firstPart(of: directory, below: path),
          FileStatus(missing, followsLink: true)?.kind == .directory
        else { break }
        path = directory
      } else {
        guard path != "/" else { break }
        path = parentDirectory(path)
      }
    }
    state.isIncomplete = true
  }

  private func firstPart(of path: String, below directory: String) -> String? {
    guard let rest = belowPath(path, directory) else { return nil }
    return (directory == "/" ? "" : directory) + "/" + rest.prefix { $0 != "/" }
  }
}
