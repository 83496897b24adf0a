/// Bytes that are added at the end and taken off at the front.
public final class RawBytes {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var head = 0
  private var tail = 0

  public init() {}
  deinit { base?.deallocate() }

  public var count: Int { tail - head }
  public var isEmpty: Bool { tail == head }
  /// The bytes, until the next change.
  public var all: UnsafeRawBufferPointer { part(0, count) }

  /// Returns `count` bytes from `start` on, until the next change. The caller has checked the bounds.
  func part(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
    guard let base, count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + head + start, count: count)
  }

  /// Makes room for bytes at the end: `added` counts those that were written there.
  public func room(_ count: Int) -> UnsafeMutableRawPointer {
    if let base, capacity - tail >= count { return base + tail }
    return grow(count)
  }

  public func added(_ count: Int) { tail += count }

  public func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    room(bytes.count).copyMemory(from: start, byteCount: bytes.count)
    tail += bytes.count
  }

  func append(_ byte: UInt8) {
    room(1).storeBytes(of: byte, as: UInt8.self)
    tail += 1
  }

  public func append32(_ value: UInt32) {
    room(4).storeBytes(of: value.bigEndian, as: UInt32.self)
    tail += 4
  }

  /// Takes bytes off the front.
  public func drop(_ count: Int) {
    head += count
    if head >= tail { clear() }
  }

  /// Overwrites a byte.
  func set(_ index: Int, _ byte: UInt8) { base?.storeBytes(of: byte, toByteOffset: head + index, as: UInt8.self) }

  /// Forgets all bytes. Large memory is given back.
  func clear() {
    head = 0
    tail = 0
    guard capacity > 2048 else { return }
    base?.deallocate()
    base = nil
    capacity = 0
  }

  @inline(never) private func grow(_ added: Int) -> UnsafeMutableRawPointer {
    let used = count
    if let base, used + added <= capacity, head >= used {
      base.copyMemory(from: base + head, byteCount: used)
    } else {
      let larger = max(used + added, min(used * 2, used + 65536), 256)
      let new = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      if let base {
        new.copyMemory(from: base + head, byteCount: used)
        base.deallocate()
      }
      base = new
      capacity = larger
    }
    head = 0
    tail = used
    return base! + used
  }
}

extension UnsafeRawBufferPointer {
  /// Returns the bytes behind the first ones; none if there are fewer.
  func behind(_ count: Int) -> UnsafeRawBufferPointer {
    guard let start = baseAddress, count < self.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: start + count, count: self.count - count)
  }

  /// Returns the first bytes; all if there are fewer.
  func first(_ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: baseAddress, count: Swift.min(Swift.max(count, 0), self.count))
  }

  /// Reads a big-endian number of 4 bytes. The caller has checked the bounds.
  func number32(_ offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
