#if !hasFeature(Embedded)
  /// One entry of a tree that the agent sends.
  public struct FileEntry: Sendable, Equatable {
    public var kind: FileEntryHead.Kind
    /// Permission bits (chmod(2)), set-user-ID and others included; the caller chooses those to keep.
    public var mode: UInt16
    /// Bytes of contents; 0 for anything but a file.
    public var size: UInt64
    /// Relative to the requested path, empty for itself; no component is empty, "." or "..". A name on
    /// Linux is bytes, mostly UTF-8.
    public var name: [UInt8]
    /// A link's original target, absolute or not: to be written, not to be followed.
    public var target: [UInt8] = []

    /// The name for the user, with invalid UTF-8 repaired.
    public var nameText: String { String(decoding: name, as: UTF8.self) }
  }

  /// Reads the bytes behind the status of a `file` stream, in any pieces, and refuses names that leave the tree.
  ///
  /// An entry is in an earlier directory, and no name is repeated, so a link can never become a path out of the tree.
  public struct FileEntryReader {
    public enum Event {
      /// `file` entries are followed by `size` bytes as `data`, others by nothing.
      case entry(FileEntry)
      /// A piece of the latest file; points into the input.
      case data(UnsafeRawBufferPointer)
      /// The tree is complete, unless it has `FileEntryHead.maximumEntries` entries.
      case end
    }

    /// The reason not to trust a tree. `message` is for the user.
    public enum Violation: Error, Equatable {
      case malformed
      /// Absolute, with "..", outside of an earlier directory, or repeated.
      case name(String)
      case tooManyEntries
      /// More than this many bytes.
      case tooLarge(UInt64)
      /// Bytes behind the end.
      case trailing

      public var message: String {
        switch self {
        case .malformed:
          "the agent's files arrive in an unknown form; use an agent and a daemon of the same version"
        case .name(let name):
          "the agent names the file \"\(name)\", which is not inside the requested tree; it was not written"
        case .tooManyEntries: "the tree has more than \(FileEntryHead.maximumEntries) entries; ask for a part of it"
        case .tooLarge(let limit): "the tree has more than \(limit) bytes; ask for a part of it"
        case .trailing: "the agent sends bytes behind the end of its files"
        }
      }
    }

    /// PATH_MAX (limits.h).
    private static let maximumName = 4096

    private let maximumBytes: UInt64
    private var gathered: [UInt8] = []
    private var dataLeft: UInt64 = 0
    private var isOver = false
    private var directories: Set<[UInt8]> = []
    private var names: Set<[UInt8]> = []
    /// Of all files so far.
    public private(set) var totalBytes: UInt64 = 0
    public private(set) var entryCount = 0

    /// - Parameter maximumBytes: the limit for all files together.
    public init(maximumBytes: UInt64) { self.maximumBytes = maximumBytes }

    /// True if the end has been read: a stream that finishes before was cut.
    public var isComplete: Bool { isOver }

    /// Takes the next event off the front of `bytes`; nil once they are used up. After an error the reader is unusable.
    public mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(Violation) -> Event? {
      if dataLeft > 0 {
        let count = Int(min(dataLeft, UInt64(bytes.count)))
        guard count > 0 else { return nil }
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[count...]) }
        dataLeft -= UInt64(count)
        return .data(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      }
      if isOver {
        guard bytes.isEmpty else { throw .trailing }
        return nil
      }
      if gathered.isEmpty, bytes.first == FileEntryHead.end {
        guard entryCount > 0 else { throw .malformed }
        bytes = UnsafeRawBufferPointer(rebasing: bytes[1...])
        isOver = true
        return .end
      }
      guard gather(&bytes, FileEntryHead.size) else { return nil }
      guard let head = gathered.withUnsafeBytes({ FileEntryHead(reading: $0.baseAddress!) }),
        head.nameLength <= Self.maximumName
      else { throw .malformed }
      let targetLength = head.kind == .link ? head.size : 0
      guard targetLength <= Self.maximumName, head.kind == .link || head.kind == .file || head.size == 0 else {
        throw .malformed
      }
      guard gather(&bytes, FileEntryHead.size + head.nameLength + Int(targetLength)) else { return nil }
      return .entry(try entry(head))
    }

    /// Returns true once that many bytes are gathered.
    private mutating func gather(_ bytes: inout UnsafeRawBufferPointer, _ size: Int) -> Bool {
      let count = min(max(size - gathered.count, 0), bytes.count)
      gathered.append(contentsOf: bytes[..<count])
      bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
      return gathered.count >= size
    }

    private mutating func entry(_ head: FileEntryHead) throws(Violation) -> FileEntry {
      let nameEnd = FileEntryHead.size + head.nameLength
      var entry = FileEntry(
        kind: head.kind, mode: head.mode, size: 0, name: Array(gathered[FileEntryHead.size..<nameEnd]))
      entry.target = Array(gathered[nameEnd...])
      gathered.removeAll(keepingCapacity: true)
      guard stands(entry.name), !entry.target.contains(0), names.insert(entry.name).inserted else {
        throw .name(entry.nameText)
      }
      entryCount += 1
      guard entryCount <= FileEntryHead.maximumEntries else { throw .tooManyEntries }
      if entry.kind == .directory { directories.insert(entry.name) }
      if entry.kind == .file {
        let (total, overflow) = totalBytes.addingReportingOverflow(head.size)
        guard !overflow, total <= maximumBytes else { throw .tooLarge(maximumBytes) }
        totalBytes = total
        dataLeft = head.size
        entry.size = head.size
      }
      return entry
    }

    /// Checks whether a name is inside the tree.
    private func stands(_ name: [UInt8]) -> Bool {
      let slash = UInt8(ascii: "/")
      let dot = UInt8(ascii: ".")
      if entryCount == 0 { return name.isEmpty }  // the path itself comes first
      guard !name.isEmpty, !name.contains(0) else { return false }
      for part in name.split(separator: slash, omittingEmptySubsequences: false) {
        if part.isEmpty || part.elementsEqual([dot]) || part.elementsEqual([dot, dot]) { return false }
      }
      return directories.contains(name.lastIndex(of: slash).map { Array(name[..<$0]) } ?? [])
    }
  }
#endif
