/// Watches sources and tells of each save once. Several may live in a process; they share one inotify instance and one
/// thread. It ends with `stop()` or its last reference.
public final class SourceWatcher: Sendable {
  /// One element for each save; ends after `stop()`. For one reader; batches wait until they are read.
  public let batches: AsyncStream<ChangeBatch>
  let watcher: TreeWatcher

  /// Watches from the moment it returns; what changed before is not told.
  /// - Parameters:
  ///   - quiet: a batch is closed when no event came for this long…
  ///   - - longest: …or this long after its first event, however many still come, or while a new file is still being
  ///     written.
  /// - - Throws: `.limit` where the kernel gives no more watches or instances, `.system`. A directory that may not be
  ///   read is told as a batch's problem.
  public init(_ set: WatchSet, quiet: Duration = .milliseconds(20), longest: Duration = .milliseconds(500))
    throws(WatchError)
  {
    let (stream, output) = AsyncStream.makeStream(of: ChangeBatch.self)
    batches = stream
    watcher = TreeWatcher(hub: .shared, quiet: quiet, longest: longest, output: output)
    try watcher.start(set)
  }

  deinit { watcher.stop() }

  /// Watches another set from now on. In what both sets have, no event is lost or told twice.
  /// - Throws: as `init`; then the old set stays.
  public func update(_ set: WatchSet) throws(WatchError) { try watcher.update(set) }

  /// Ends all watches and `batches`; what is being gathered is dropped.
  public func stop() { watcher.stop() }

  /// Directories that are watched now.
  public var watchedDirectories: Int { watcher.state.withLock { $0.directories.count } }
}
