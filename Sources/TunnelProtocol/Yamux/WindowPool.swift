/// The memory that all receive windows of a process may use beyond the 256 KiB that yamux gives every stream at once.
///
/// Windows grow while a stream keeps them full, so that one stream fills a long line; the pool keeps
/// many streams from filling the memory.
public final class WindowPool {
  public let limit: Int
  public private(set) var used = 0

  /// - Parameter limit: bytes; 48 MB by default.
  public init(limit: Int = 48 << 20) { self.limit = limit }

  /// Takes `count` bytes if they are free.
  func take(_ count: Int) -> Bool {
    guard used + count <= limit else { return false }
    used += count
    return true
  }

  func giveBack(_ count: Int) { used -= count }
}
