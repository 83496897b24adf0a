/// What one save changed: all events up to a short quiet time.
public struct ChangeBatch: Sendable, Hashable {
  /// Absolute paths of files and symbolic links that are new or were written, touched or replaced. They existed when
  /// the batch was closed.
  public var paths: Set<String>
  /// Absolute paths of what is gone; disjoint from `paths`. It may name a directory: then all in it is gone.
  public var deleted: Set<String>
  /// When the first event was read.
  public var firstEvent: ContinuousClock.Instant
  /// Events were lost, or a tree's root was replaced: anything may have changed, whatever `paths` says. New watches
  /// stand already.
  public var overflowed: Bool
  /// What could not be watched (a limit was hit): its changes will not be seen.
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

  /// This batch and a later one as one: what counts is what was seen last.
  public mutating func merge(_ later: ChangeBatch) {
    paths = paths.filter { path in !later.deleted.contains { $0 == path || belowPath(path, $0) != nil } }.union(
      later.paths)
    deleted = deleted.subtracting(later.paths).union(later.deleted)
    firstEvent = min(firstEvent, later.firstEvent)
    overflowed = overflowed || later.overflowed
    problems += later.problems
  }
}
