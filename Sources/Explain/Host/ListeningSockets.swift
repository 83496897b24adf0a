/// A socket that listens for TCP connections, as the kernel lists it (proc_net(5): `/proc/net/tcp`, `/proc/net/tcp6`).
public struct ListeningSocket: Sendable, Hashable {
  /// `127.0.0.1`, `::1`, `0.0.0.0`.
  public var address: String
  public var port: UInt16
  public var inode: UInt64
  public var uid: UInt32
  /// Connections that wait to be accepted.
  public var waiting: Int

  public init(address: String, port: UInt16, inode: UInt64, uid: UInt32 = 0, waiting: Int = 0) {
    self.address = address
    self.port = port
    self.inode = inode
    self.uid = uid
    self.waiting = waiting
  }
}

extension ListeningSocket {
  private static let listening = "0A"

  /// Reads the text of either file. Lines that cannot be read are left out.
  public static func parse(_ text: String) -> [ListeningSocket] {
    text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 10, fields[3] == Self.listening else { return nil }
      let local = fields[1].split(separator: ":")
      let queues = fields[4].split(separator: ":")
      guard local.count == 2, queues.count == 2, let port = UInt16(local[1], radix: 16), let inode = UInt64(fields[9]),
        let uid = UInt32(fields[7]), let address = address(local[0])
      else { return nil }
      return ListeningSocket(
        address: address, port: port, inode: inode, uid: uid, waiting: Int(queues[1], radix: 16) ?? 0)
    }
  }

  /// Reads words of 8 digits, each in the order of a little-endian machine.
  private static func address(_ digits: Substring) -> String? {
    guard digits.utf8.count == 8 || digits.utf8.count == 32 else { return nil }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
      rest = rest.dropFirst(8)
    }
    return bytes.count == 4 ? dotted(bytes[...]) : colons(bytes)
  }

  private static func dotted(_ bytes: ArraySlice<UInt8>) -> String { bytes.map { "\($0)" }.joined(separator: ".") }

  /// Writes an IPv6 address: the common short forms, else all its words.
  private static func colons(_ bytes: [UInt8]) -> String {
    if bytes.allSatisfy({ $0 == 0 }) { return "::" }
    if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] == 1 { return "::1" }
    if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 255, bytes[11] == 255 { return dotted(bytes[12...]) }
    return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
      .joined(separator: ":")
  }

  /// Checks whether connections to an address may arrive at this socket. One on `::` takes IPv4 as well, unless it says
  /// otherwise, which the kernel does not list.
  public func mayTake(_ target: String) -> Bool {
    address == target || address == "::" || address == "0.0.0.0" && !target.contains(":")
  }
}
