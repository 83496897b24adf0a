/// The last changes of all resources, oldest first, bounded: what a watch that comes back can catch up from.
struct EventHistory {
  /// Every change after this revision is still here.
  private(set) var complete: Int64 = 0
  private var entries: [(resource: Resource, event: WatchEvent)] = []
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  mutating func append(_ event: WatchEvent, of resource: Resource) {
    entries.append((resource, event))
    // In batches, since removing from the front moves what stays.
    guard entries.count >= 2 * capacity else { return }
    complete = entries[capacity - 1].event.revision
    entries.removeFirst(capacity)
  }

  /// The events of a resource after a revision, nil where some of them are already forgotten.
  func events(of resource: Resource, after revision: Int64) -> [WatchEvent]? {
    guard revision >= complete else { return nil }
    let start = entries.partitioningIndex { $0.event.revision > revision }
    return entries[start...].compactMap { $0.resource == resource ? $0.event : nil }
  }
}

extension Array {
  /// The first index whose element satisfies a predicate that is false for a prefix and true for the rest.
  fileprivate func partitioningIndex(where belongsInSecond: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongsInSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
