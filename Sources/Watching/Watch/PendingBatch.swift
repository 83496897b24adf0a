/// The batch that is being gathered.
struct PendingBatch {
  private struct Entry {
    /// True if its first event created it: if it is gone at the end, it never existed.
    var isNew: Bool
    /// True if it was created and its writer has not closed it yet.
    var isOpen: Bool
  }

  private var entries: [String: Entry] = [:]
  private var first: ContinuousClock.Instant?
  private var last = ContinuousClock.Instant.now
  private(set) var overflowed = false
  private var problems: [WatchError] = []

  enum Event {
    case created
    /// Complete at once: a directory, or a file found in a new one.
    case found
    case closed
    case removed
  }

  mutating func note(_ path: String, _ event: Event, _ now: ContinuousClock.Instant) {
    begin(now)
    entries[path, default: Entry(isNew: event == .created || event == .found, isOpen: false)].isOpen = event == .created
  }

  mutating func overflow(_ now: ContinuousClock.Instant) {
    begin(now)
    overflowed = true
  }

  mutating func note(_ problem: WatchError, _ now: ContinuousClock.Instant) {
    begin(now)
    if !problems.contains(problem) { problems.append(problem) }
  }

  private mutating func begin(_ now: ContinuousClock.Instant) {
    first = first ?? now
    last = now
  }

  /// Returns the time to close this batch; nil if nothing is gathered. A file that is still being written
  /// keeps it open until the longest wait.
  func deadline(quiet: Duration, longest: Duration, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let first else { return nil }
    let end = first + longest
    let calm = min(last + quiet, end)
    return now >= calm && now < end && isBeingWritten ? end : calm
  }

  private var isBeingWritten: Bool {
    entries.contains { path, entry in
      // A hard or symbolic link is created without ever being closed.
      guard entry.isOpen, let status = FileStatus(path) else { return false }
      return status.kind == .file && status.links == 1
    }
  }

  /// Closes the batch according to the present state. nil: nothing that matters, such as files that came and went.
  mutating func close() -> ChangeBatch? {
    var batch = ChangeBatch(firstEvent: first ?? .now, overflowed: overflowed, problems: problems)
    for (path, entry) in entries {
      switch FileStatus(path)?.kind {
      case .file, .link: batch.paths.insert(path)
      // A directory that went and came back may be another one with unknown contents.
      case .directory: if !entry.isNew { batch.overflowed = true }
      case .other: continue
      case nil: if !entry.isNew { batch.deleted.insert(path) }
      }
    }
    self = PendingBatch()
    return batch.paths.isEmpty && batch.deleted.isEmpty && !batch.overflowed && batch.problems.isEmpty ? nil : batch
  }
}
