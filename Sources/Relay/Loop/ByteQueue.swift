/// Blocks of 16 KiB for bytes that wait for a slow reader; kept for reuse, up to 1 MiB.
public final class BlockPool {
  /// Bytes of one block.
  public static let blockSize = 16 << 10
  private static let keptBlocks = 64
  private var kept: [UnsafeMutableRawPointer] = []
  /// Bytes that wait in all queues of this loop.
  public internal(set) var waiting = 0

  /// Bytes of memory that they take: a block with one byte counts whole.
  public internal(set) var held = 0
  /// The most bytes that may be held; beyond it the slowest readers lose their connections.
  public var limit = 48 << 20
  public var isFull: Bool { held > limit }

  func take() -> UnsafeMutableRawPointer {
    held += Self.blockSize
    return kept.popLast() ?? .allocate(byteCount: Self.blockSize, alignment: 16)
  }

  /// Counts memory of other kinds; a negative number gives it back.
  public func count(_ bytes: Int) { held += bytes }

  func giveBack(_ block: UnsafeMutableRawPointer) {
    held -= Self.blockSize
    if kept.count < Self.keptBlocks { kept.append(block) } else { block.deallocate() }
  }

  deinit { for block in kept { block.deallocate() } }
}

/// A first-in, first-out queue that holds memory only while it holds bytes. The owner must empty it in the end.
public struct ByteQueue {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var first = 0
  private var readOffset = 0
  private var writeOffset = BlockPool.blockSize
  public private(set) var count = 0

  public init() {}

  public var isEmpty: Bool { count == 0 }

  /// Copies the bytes to the queue's end.
  public mutating func append(_ bytes: UnsafeRawBufferPointer, pool: BlockPool) {
    var rest = bytes
    while !rest.isEmpty {
      if writeOffset == BlockPool.blockSize {
        blocks.append(pool.take())
        writeOffset = 0
      }
      let part = min(rest.count, BlockPool.blockSize - writeOffset)
      (blocks[blocks.count - 1] + writeOffset).copyMemory(from: rest.baseAddress!, byteCount: part)
      writeOffset += part
      rest = UnsafeRawBufferPointer(rebasing: rest[part...])
    }
    count += bytes.count
    pool.waiting += bytes.count
  }

  /// The contiguous bytes at the front; empty if there are none.
  public var front: UnsafeRawBufferPointer {
    guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let end = first == blocks.count - 1 ? writeOffset : BlockPool.blockSize
    return UnsafeRawBufferPointer(start: blocks[first] + readOffset, count: end - readOffset)
  }

  /// Drops `taken` bytes of `front`.
  public mutating func drop(_ taken: Int, pool: BlockPool) {
    count -= taken
    pool.waiting -= taken
    readOffset += taken
    if count == 0 {
      removeAll(pool: pool)
    } else if readOffset == BlockPool.blockSize {
      pool.giveBack(blocks[first])
      first += 1
      readOffset = 0
      if first > 64 {
        blocks.removeFirst(first)
        first = 0
      }
    }
  }

  /// Drops all bytes and gives the blocks back.
  public mutating func removeAll(pool: BlockPool) {
    for index in first..<blocks.count { pool.giveBack(blocks[index]) }
    pool.waiting -= count
    self = ByteQueue()
  }
}
