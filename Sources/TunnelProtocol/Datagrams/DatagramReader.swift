/// A reader of datagrams in a stream: length (2), then that many bytes. For both directions of `udp`
/// and `dns` streams, behind preamble and status.
///
/// A datagram that is whole in the input is returned in place; one that arrives in pieces is gathered.
public struct DatagramReader: ~Copyable {
  /// The length before each datagram.
  public static let headSize = 2
  /// The largest UDP payload over IPv4 (RFC 768, RFC 791); a DNS message may have 65,535.
  public static let maximumUDPSize = 65_507
  /// A gathering buffer up to this size is kept for the next datagram; larger ones are freed, so that
  /// idle flows own little.
  private static let keptSize = 2048

  private var memory: UnsafeMutableRawPointer?
  private var capacity = 0
  /// Bytes gathered, head included.
  private var gathered = 0

  public init() {}

  deinit { memory?.deallocate() }

  /// True if a part of a datagram waits for the rest.
  public var isMidway: Bool { gathered > 0 }

  /// Takes the next datagram off the front of `bytes`; nil once they are used up.
  ///
  /// - Returns: its bytes, none for an empty datagram; valid until the next call and as long as the input is.
  public mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    if gathered == 0 {
      if capacity > Self.keptSize { release() }
      if bytes.count >= Self.headSize {
        let size = Self.headSize + Int(bytes.baseAddress!.loadBE16())
        if bytes.count >= size {
          defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[size...]) }
          return UnsafeRawBufferPointer(rebasing: bytes[Self.headSize..<size])
        }
      }
    }
    if gathered < Self.headSize { gather(&bytes, until: Self.headSize) }
    guard gathered >= Self.headSize, let head = memory else { return nil }
    let size = Self.headSize + Int(UnsafeRawPointer(head).loadBE16())
    gather(&bytes, until: size)
    guard gathered == size, let whole = memory else { return nil }
    gathered = 0
    return UnsafeRawBufferPointer(start: whole + Self.headSize, count: size - Self.headSize)
  }

  private mutating func gather(_ bytes: inout UnsafeRawBufferPointer, until size: Int) {
    let count = min(size - gathered, bytes.count)
    guard count > 0 else { return }
    reserve(size)
    (memory! + gathered).copyMemory(from: bytes.baseAddress!, byteCount: count)
    gathered += count
    bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
  }

  private mutating func reserve(_ size: Int) {
    guard size > capacity else { return }
    let room = max(size, Self.keptSize)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 8)
    if let memory {
      larger.copyMemory(from: memory, byteCount: gathered)
      memory.deallocate()
    }
    memory = larger
    capacity = room
  }

  private mutating func release() {
    memory?.deallocate()
    memory = nil
    capacity = 0
  }
}
