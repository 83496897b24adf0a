import Inputs
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Hashes of files, valid as long as a file's inode, size and times stay. May be shared by contexts and threads.
public final class FileHashes: Sendable {
  private struct Entry {
    var status: FileStatus
    var hash: FileHash
  }

  private let entries = Mutex<[String: Entry]>([:])

  public init() {}

  /// The number of known files.
  public var count: Int { entries.withLock { $0.count } }

  /// Returns the hash of a regular file's contents.
  func hash(of path: String, _ status: FileStatus) throws(WatchError) -> FileHash {
    if let known = entries.withLock({ $0[path] }), known.status == status { return known.hash }
    var sha = SHA256()
    do throws(RegularFile.Failure) { try RegularFile.pieces(of: path) { sha.update($0) } } catch {
      throw .unread(path, error)
    }
    let hash = sha.finish()
    // A file that was just written may be written again with the same times: the kernel's clock ticks
    // every few milliseconds.
    if now() &- status.changed > 20_000_000 { entries.withLock { $0[path] = Entry(status: status, hash: hash) } }
    return hash
  }

  private func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
