/// The slots of one side's streams by their numbers.
///
/// Each side counts its numbers up (spec.md, "StreamID Field"), so that a new one always belongs at the end: a sorted
/// list and a binary search need no hash function, whatever numbers the peer chooses.
struct StreamIndex {
  private struct Entry {
    let id: UInt32
    /// -1 once the stream is gone.
    var slot: Int32
  }

  private var entries: [Entry] = []
  private var goneCount = 0
  /// The number of entries of streams that are gone below which they are not worth a pass.
  private static let tolerated = 64

  /// Returns the slot of a stream; nil for a number without one.
  subscript(id: UInt32) -> Int? {
    let position = position(of: id)
    guard position < entries.count, entries[position].id == id, entries[position].slot >= 0 else { return nil }
    return Int(entries[position].slot)
  }

  /// Adds a stream whose number is higher than all before it.
  mutating func append(_ id: UInt32, slot: Int) { entries.append(Entry(id: id, slot: Int32(truncatingIfNeeded: slot))) }

  mutating func remove(_ id: UInt32) {
    let position = position(of: id)
    guard position < entries.count, entries[position].id == id, entries[position].slot >= 0 else { return }
    entries[position].slot = -1
    goneCount += 1
    guard goneCount > Self.tolerated, goneCount > entries.count / 2 else { return }
    var kept = 0
    for entry in entries where entry.slot >= 0 {
      entries[kept] = entry
      kept += 1
    }
    entries.removeLast(entries.count - kept)
    goneCount = 0
  }

  /// Returns the position of the first number that is not lower.
  private func position(of id: UInt32) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
