/// Consecutive netlink requests as bytes (netlink(7)): headers and lengths in the host's order, 4-byte alignment.
struct NetlinkBatch {
  struct Flags: OptionSet {
    var rawValue: UInt16
    static let request = Flags(rawValue: 1)
    static let acknowledge = Flags(rawValue: 4)
    static let exclusive = Flags(rawValue: 0x200)
    /// NLM_F_ROOT and NLM_F_MATCH.
    static let dump = Flags(rawValue: 0x300)
    static let create = Flags(rawValue: 0x400)
    static let append = Flags(rawValue: 0x800)
  }

  private(set) var bytes: [UInt8] = []
  /// The purpose of each request, by its sequence number less one.
  private(set) var purposes: [String] = []
  /// The number of answers from the kernel if all goes well.
  private(set) var acknowledgements = 0

  /// Appends a request whose attributes `body` writes.
  mutating func request(
    _ purpose: String, type: UInt16, flags: Flags, header: [UInt8], _ body: (inout NetlinkBatch) -> Void = { _ in }
  ) {
    let start = bytes.count
    purposes.append(purpose)
    if flags.contains(.acknowledge) { acknowledgements += 1 }
    put(UInt32(0))
    put(type)
    put(flags.union(.request).rawValue)
    put(UInt32(purposes.count))
    put(UInt32(0))
    bytes += header
    align()
    body(&self)
    let length = UInt32(bytes.count - start)
    withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 4, with: $0) }
  }

  // MARK: Attributes

  mutating func attribute(_ type: UInt16, _ value: [UInt8]) {
    put(UInt16(4 + value.count))
    put(type)
    bytes += value
    align()
  }

  /// Appends a text with the NUL at its end.
  mutating func attribute(_ type: UInt16, _ value: String) { attribute(type, Array(value.utf8) + [0]) }

  /// Appends a number in the host's order, for rtnetlink.
  mutating func attribute(_ type: UInt16, host value: UInt32) {
    attribute(type, withUnsafeBytes(of: value) { Array($0) })
  }

  /// Appends a number in network order, for nftables.
  mutating func attribute(_ type: UInt16, _ value: UInt32) {
    attribute(type, withUnsafeBytes(of: value.bigEndian) { Array($0) })
  }

  mutating func nested(_ type: UInt16, _ body: (inout NetlinkBatch) -> Void) {
    let start = bytes.count
    put(UInt16(0))
    put(type | 0x8000)
    body(&self)
    let length = UInt16(bytes.count - start)
    withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 2, with: $0) }
  }

  private mutating func put<Number: FixedWidthInteger>(_ number: Number) { withUnsafeBytes(of: number) { bytes += $0 } }
  private mutating func align() { while bytes.count % 4 != 0 { bytes.append(0) } }
}
