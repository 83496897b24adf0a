/// The dynamic table of a decoder (RFC 7541, section 2.3.2).
final class HPACKTable {
  private let bytes = RawBytes()
  /// The oldest first. Places count from the first byte that ever was here.
  private var entries: [HeaderList.Field] = []
  private var oldest = 0
  private var dropped = 0
  private var size = 0
  private(set) var capacity = 4096

  private var count: Int { entries.count - oldest }

  func resize(_ capacity: Int) {
    self.capacity = capacity
    evict(capacity)
  }

  /// Returns an entry, the newest for 0.
  func entry(_ index: Int) -> HeaderList.Field? {
    guard index >= 0, index < count else { return nil }
    return entries[entries.count - 1 - index]
  }

  func text(_ entry: HeaderList.Field) -> UnsafeRawBufferPointer {
    bytes.part(entry.start - dropped, entry.count)
  }

  /// Adds an entry whose texts are elsewhere. An entry that is too large empties the table.
  func insert(_ field: HeaderList.Field, _ text: UnsafeRawBufferPointer) {
    evict(capacity - field.size)
    guard field.size <= capacity else { return }
    var entry = field
    entry.start = dropped + bytes.count
    entry.isSecret = false
    bytes.append(text)
    entries.append(entry)
    size += field.size
  }

  private func evict(_ limit: Int) {
    while size > limit, oldest < entries.count {
      let entry = entries[oldest]
      size -= entry.size
      dropped += entry.count
      bytes.drop(entry.count)
      oldest += 1
    }
    guard oldest >= 32, oldest * 2 >= entries.count else { return }
    entries.removeFirst(oldest)
    oldest = 0
  }
}
