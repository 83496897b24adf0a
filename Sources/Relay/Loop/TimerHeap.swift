/// A binary heap of deadlines.
struct TimerHeap {
  struct Entry {
    let deadline: UInt64
    let token: UInt64
    let kind: UInt8
  }

  private var entries: [Entry] = []

  var nextDeadline: UInt64? { entries.isEmpty ? nil : entries[0].deadline }

  mutating func insert(_ entry: Entry) {
    var child = entries.count
    entries.append(entry)
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].deadline < entries[parent].deadline else { break }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  mutating func popDue(_ now: UInt64) -> Entry? {
    guard !entries.isEmpty, entries[0].deadline <= now else { return nil }
    let first = entries[0]
    let last = entries.removeLast()
    guard !entries.isEmpty else { return first }
    entries[0] = last
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < entries.count && entries[child].deadline < entries[smallest].deadline {
        smallest = child
      }
      guard smallest != parent else { break }
      entries.swapAt(parent, smallest)
      parent = smallest
    }
    return first
  }
}
