/// The ICMP message for a UDP client whose destination port is closed (RFC 792, "Destination
/// Unreachable Message"), with its IP header (RFC 791).
enum PortUnreachable {
  /// Returns the message from the destination to the source; it quotes the IP header and the first 8 bytes of the
  /// datagram, which are its UDP header (RFC 768).
  /// - Parameter length: of the datagram's payload, bytes.
  /// - Returns: nil for IPv6.
  static func message(for key: FlowKey, length: Int) -> [UInt8]? {
    let (client, server) = (key.source.address, key.destination.address)
    guard !client.isIPv6, !server.isIPv6 else { return nil }
    let quoted =
      header(from: client, to: server, protocolNumber: 17, length: 20 + 8 + length) + udp(key, length: length)
    var icmp: [UInt8] = [3, 3, 0, 0, 0, 0, 0, 0] + quoted
    put(checksum(icmp), at: 2, in: &icmp)
    return header(from: server, to: client, protocolNumber: 1, length: 20 + icmp.count) + icmp
  }

  private static func header(from: IPAddress, to: IPAddress, protocolNumber: UInt8, length: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x45, 0]
    bytes.append16(UInt16(truncatingIfNeeded: length))
    bytes += [0, 0, 0x40, 0, 64, protocolNumber, 0, 0] + from.bytes + to.bytes
    put(checksum(bytes), at: 10, in: &bytes)
    return bytes
  }

  private static func udp(_ key: FlowKey, length: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in [key.source.port, key.destination.port, UInt16(truncatingIfNeeded: 8 + length), 0] {
      bytes.append16(word)
    }
    return bytes
  }

  private static func put(_ value: UInt16, at offset: Int, in bytes: inout [UInt8]) {
    bytes[offset] = UInt8(value >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Returns the checksum (RFC 1071) over an even count of bytes.
  static func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for offset in stride(from: 0, to: bytes.count - 1, by: 2) { sum += UInt32(DNSMessage.load16(bytes, offset)) }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return ~UInt16(sum)
  }
}
