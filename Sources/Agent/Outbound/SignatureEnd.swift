import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// 8 bytes that change when a tree does: the sum of its entries' hashes, so that the order of names in
/// a directory does not matter.
final class SignatureEnd: ServedEnd {
  private var tree: FileTree?
  private var sum: UInt64 = 0
  private var outbox: [UInt8] = []
  private var isComplete = false
  /// Entries read in one turn before others have theirs.
  private static let turnBudget = 64

  func serve(_ path: [UInt8]) {
    guard let tree = FileTree(path), let root = tree.next() else { return answer(.failed) }
    guard root.error == 0 else { return answer(FileEnd.status(root.error)) }
    self.tree = tree
    add(root, tree.latestName)
    answer(.connected)
    loop.readAgain(self)
  }

  override func ready(_ events: UInt32) {
    guard let tree else { return }
    for _ in 0..<Self.turnBudget {
      guard let entry = tree.next() else { return complete() }
      add(entry, tree.latestName)
    }
    loop.readAgain(self)
  }

  private func complete() {
    tree = nil
    outbox = [UInt8](repeating: 0, count: 8)
    outbox.withUnsafeMutableBytes { UnsafeMutableRawPointer($0.baseAddress!).storeBE64(sum) }
    isComplete = true
    session.wantsToSend(self)
  }

  /// Adds FNV-1a (draft-eastlake-fnv) of name, kind, mode, size, time of change and target.
  private func add(_ entry: FileTree.Entry, _ name: ArraySlice<CChar>) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    func mix(_ number: UInt64) {
      for shift in [0, 8, 16, 24, 32, 40, 48, 56] as [UInt64] { mix(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    for byte in name { mix(UInt8(bitPattern: byte)) }
    mix(UInt64(entry.kind.rawValue) << 16 | UInt64(entry.mode))
    mix(entry.size)
    mix(UInt64(bitPattern: entry.modified))
    for byte in entry.target { mix(byte) }
    sum &+= hash
  }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    guard !outbox.isEmpty else { return isComplete ? .finished : .nothing }
    let count = min(outbox.count, capacity)
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: true)
  }

  override func closed() { tree = nil }
}
