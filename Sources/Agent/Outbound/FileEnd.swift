import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The files at a path, for the host: entries with their contents, read from the files as the stream takes them.
final class FileEnd: ServedEnd {
  private var tree: FileTree?
  /// An entry's head, name and target, or the end's mark.
  private var head: [UInt8] = []
  private var headOffset = 0
  /// The file being sent, and the number of its bytes left.
  private var fd: Int32 = -1
  private var left: UInt64 = 0
  /// Entries sent in one turn before others have theirs.
  private static let turnBudget = 64

  func serve(_ path: [UInt8]) {
    guard let tree = FileTree(path), let root = tree.next() else { return answer(.failed) }
    self.tree = tree
    let error = tell(root, of: tree)
    answer(error == 0 ? .connected : Self.status(error))
  }

  static func status(_ error: Int32) -> StreamStatus {
    switch error {
    case clinux_ENOENT, clinux_ENOTDIR: .nameNotFound
    case clinux_EMFILE, clinux_ENFILE: .exhausted
    default: .failed
    }
  }

  /// Puts an entry into `head`, and opens a file. Returns the errno of an unreadable entry.
  private func tell(_ entry: FileTree.Entry, of tree: FileTree) -> Int32 {
    var entry = entry
    if entry.kind == .file {
      var file = clinux_file()
      fd = clinux_file_open(tree.latestPath, &file)
      if fd >= 0 {
        entry.mode = file.mode
        entry.size = file.size
        left = file.size
      } else {
        entry = FileTree.Entry(kind: .unreadable, mode: entry.mode, error: -fd)
      }
    }
    let size = entry.kind == .directory ? 0 : entry.size
    let name = tree.latestName
    head = [UInt8](repeating: 0, count: FileEntryHead.size)
    head.withUnsafeMutableBytes {
      FileEntryHead(entry.kind, mode: entry.mode, nameLength: name.count, size: size).write(to: $0.baseAddress!)
    }
    for byte in name { head.append(UInt8(bitPattern: byte)) }
    head.append(contentsOf: entry.target)
    headOffset = 0
    return entry.error
  }

  override func ready(_ events: UInt32) { session.wantsToSend(self) }

  override func payload(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    var count = 0
    var budget = Self.turnBudget
    while count < capacity, budget > 0 {
      if headOffset < head.count {
        let part = min(head.count - headOffset, capacity - count)
        head.withUnsafeBytes { (place + count).copyMemory(from: $0.baseAddress! + headOffset, byteCount: part) }
        headOffset += part
        count += part
      } else if fd >= 0 {
        count += read(into: place + count, capacity - count)
      } else if let tree {
        budget -= 1
        if let entry = tree.next() {
          _ = tell(entry, of: tree)
        } else {
          self.tree = nil
          head = [FileEntryHead.end]
          headOffset = 0
        }
      } else {
        return count > 0 ? .bytes(count, more: true) : .finished
      }
    }
    loop.readAgain(self)
    return count > 0 ? .bytes(count, more: false) : .nothing
  }

  /// Reads exactly as many bytes as the head has promised: a file that has become shorter is padded with zeros.
  private func read(into place: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let wanted = Int(min(left, UInt64(capacity)))
    var count = wanted > 0 ? clinux_read(fd, place, wanted) : 0
    if count <= 0, wanted > 0 {
      memset(place, 0, wanted)
      count = wanted
    }
    left -= UInt64(count)
    if left == 0 { closeFile() }
    return count
  }

  private func closeFile() {
    guard fd >= 0 else { return }
    clinux_close(fd)
    fd = -1
  }

  override func closed() {
    closeFile()
    tree = nil
  }
}
