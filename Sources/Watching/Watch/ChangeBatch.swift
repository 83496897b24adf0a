/// The changes of one save: all events up to a short quiet time.
public struct ChangeBatch: Sendable, Hashable {
  /// Absolute paths of files and symbolic links that are new or were written, touched or replaced. They
  /// existed when the batch was closed.
  public var paths: Set<String>
  /// Absolute paths of deleted entries; disjoint from `paths`. For a directory, everything in it is gone.
  public var deleted: Set<String>
  /// The time when the first event was read.
  public var firstEvent: ContinuousClock.Instant
  /// True if events were lost, or a tree's root was replaced: anything may have changed, whatever `paths`
  /// contains. New watches are already in place.
  public var overflowed: Bool
  /// Directories that could not be watched (a limit was hit): their changes will not be seen.
  public var problems: [WatchError]

  public init(
    paths: Set<String> = [], deleted: Set<String> = [], firstEvent: ContinuousClock.Instant = .now,
    overflowed: Bool = false, problems: [WatchError] = []
  ) {
    self.paths = paths
    self.deleted = deleted
    self.firstEvent = firstEvent
    self.overflowed = overflowed
    self.problems = problems
  }

  /// Both kinds.
  public var changed: Set<String> { paths.union(deleted) }

  /// Merges a later batch into this one: the latest state counts.
  public mutating func merge(_ later: ChangeBatch) {
    paths = paths.filter { path in !later.deleted.contains { $0 == path || belowPath(path, $0) != nil } }.union(
      later.paths)
    deleted = deleted.subtracting(later.paths).union(later.deleted)
    firstEvent = min(firstEvent, later.firstEvent)
    overflowed = overflowed || later.overflowed
    problems += later.problems
  }
}
