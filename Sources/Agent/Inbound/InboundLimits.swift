import CLinux

/// Limits of the cost of clients of the workload's ports, so that the agent survives many that open
/// connections and send unread bytes.
public struct InboundLimits {
  /// Connections at once.
  public let connections: Int
  /// Bytes that wait for readers.
  public let bytes: Int

  init(connections: Int, bytes: Int) {
    self.connections = connections
    self.bytes = bytes
  }

  /// - Parameters:
  ///   - memory: the container's limit, bytes; 0 for none.
  ///   - openFiles: the process's limit; 0 for an unknown one.
  public init(memory: UInt64, openFiles: UInt64) {
    // The program's own need; a quarter if there is little.
    let own = min(24 << 20, memory / 4)
    let room = memory == 0 ? 256 << 20 : min(memory - own, 256 << 20)
    bytes = Int(truncatingIfNeeded: min(max(room / 2, 1 << 20), 48 << 20))
    // Both ends' objects, and the kernel's for two sockets.
    let byMemory = memory == 0 ? 16_384 : max(room / 2 / (16 << 10), 32)
    // A connection to the origin has two.
    let byFiles = openFiles == 0 ? 16_384 : max(openFiles / 2, 64) - 32
    connections = Int(truncatingIfNeeded: min(byMemory, byFiles, 16_384))
  }

  /// Returns the limits of this process, after raising its soft limit of descriptors.
  static func ofProcess() -> InboundLimits {
    var now: UInt64 = 0
    var most: UInt64 = 0
    if clinux_open_files(&now, &most) == 0, now < most, clinux_set_open_files(min(most, 1 << 20)) == 0 {
      now = min(most, 1 << 20)
    }
    // cgroup v2, then v1 (kernel documentation, "cgroup-v2" and "memory"): a container sees its own at the top.
    var memory = number(in: "/sys/fs/cgroup/memory.max")
    if memory == 0 { memory = number(in: "/sys/fs/cgroup/memory/memory.limit_in_bytes") }
    return InboundLimits(memory: memory, openFiles: now)
  }

  private static func number(in path: UnsafePointer<CChar>) -> UInt64 {
    var text = [UInt8](repeating: 0, count: 32)
    let fd = clinux_open_for_reading(path)
    guard fd >= 0 else { return 0 }
    let count = clinux_read(fd, &text, text.count)
    clinux_close(fd)
    guard count > 0 else { return 0 }
    text.removeLast(text.count - count)
    return parse(text)
  }

  /// Returns the number that a cgroup's file begins with; 0 for "max", and for v1's value for no limit, nearly 2^63.
  static func parse(_ text: [UInt8]) -> UInt64 {
    var value: UInt64 = 0
    for byte in text {
      guard byte >= 48, byte <= 57 else { break }
      value = min(value, 1 << 60) * 10 + UInt64(byte - 48)
    }
    return value >= 1 << 50 ? 0 : value
  }
}
