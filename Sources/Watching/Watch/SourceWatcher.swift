/// Watches sources and reports each save once. Several may exist in a process; they share one inotify instance and one
/// thread. It ends with `stop()` or its last reference.
public final class SourceWatcher: Sendable {
  /// One element for each save; ends after `stop()`. For one reader; batches wait until they are read.
  public let batches: AsyncStream<ChangeBatch>
  let watcher: TreeWatcher

  /// Watches from the moment it returns; earlier changes are not reported.
  /// - Parameters:
  ///   - quiet: a batch is closed when no event came for this long…
  ///   - longest: …or this long after its first event, even if more keep coming, or a new file is still being written.
  /// - Throws: `.limit` if the kernel gives no more watches or instances, `.system`. An unreadable directory is
  ///   reported as a batch's problem.
  public init(_ set: WatchSet, quiet: Duration = .milliseconds(20), longest: Duration = .milliseconds(500))
    throws(WatchError)
  {
    let (stream, output) = AsyncStream.makeStream(of: ChangeBatch.self)
    batches = stream
    watcher = TreeWatcher(hub: .shared, quiet: quiet, longest: longest, output: output)
    try watcher.start(set)
  }

  deinit { watcher.stop() }

  /// Watches another set from now on. In the part that both sets have, no event is lost or repeated.
  /// - Throws: as `init`; then the old set stays.
  public func update(_ set: WatchSet) throws(WatchError) { try watcher.update(set) }

  /// Ends all watches and `batches`; the batch that is being gathered is dropped.
  public func stop() { watcher.stop() }

  /// The number of directories that are watched now.
  public var watchedDirectories: Int { watcher.state.withLock { $0.directories.count } }
}
