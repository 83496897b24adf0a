/// A server's answer for any client that asks the same question: without OPT, its TTLs known.
struct DNSAnswer {
  private let bytes: [UInt8]
  private let ttlOffsets: [(offset: Int, ttl: UInt32)]
  let rcode: UInt8
  /// Seconds to keep it; 0: not at all.
  let lifetime: UInt32
  private let isNegative: Bool
  /// True if OPT was not last, and is still in `bytes`.
  private let hasOPT: Bool
  /// A and AAAA records of the answer section.
  let addresses: [(address: IPAddress, ttl: UInt32)]
  /// µs.
  let arrived: UInt64

  /// A day: longer-lived records are asked for again (RFC 8767 section 4 recommends a cap).
  private static let longest: UInt32 = 86_400
  /// RFC 2308 section 5: one to three hours for missing names. Clusters change faster.
  private static let longestNegative: UInt32 = 300
  private static let largestKept = 8 << 10

  /// The ends of the answer section's records, in order.
  private let answerEnds: [Int]

  /// Nil for a message that does not answer the question.
  /// - Parameter aliases: cluster addresses that clients know under others; A records are translated.
  init?(_ message: DNSMessage, to question: DNSQuestion, aliases: AddressMap = AddressMap(), now: UInt64) {
    guard message.isResponse, let answered = message.question, answered.matches(question) else { return nil }
    arrived = now
    rcode = message.rcode
    var bytes = message.bytes
    if !aliases.isEmpty { Self.rename(message, in: &bytes, aliases) }
    let renamed = bytes
    // RFC 2181 section 8: a TTL with the top bit set counts as 0.
    var cut = message.records.map { (offset: $0.ttlOffset, ttl: $0.ttl > 0x7fff_ffff ? 0 : $0.ttl) }
    var isWhole = !message.isTruncated && message.edns?.extendedRcode ?? 0 == 0
    if let range = message.optRange {
      // OPT is nearly always last. If it is not, removing it would move the records behind it and break pointers to
      // them, so it stays, and the answer is not cached.
      if range.upperBound == bytes.count {
        bytes.removeSubrange(range)
        let additional = DNSMessage.load16(bytes, 10) - 1
        bytes[10] = UInt8(additional >> 8)
        bytes[11] = UInt8(truncatingIfNeeded: additional)
      } else {
        isWhole = false
      }
    }
    hasOPT = message.optRange.map { $0.upperBound != message.bytes.count } ?? false
    addresses = message.records.compactMap { record in
      guard record.section == 0, record.recordClass == 1, record.type == DNSType.a || record.type == DNSType.aaaa else {
        return nil
      }
      guard record.data.count == (record.type == DNSType.a ? 4 : 16) else { return nil }
      return IPAddress(bytes: renamed[record.data]).map { ($0, record.ttl) }
    }
    answerEnds = message.records.filter { $0.section == 0 }.map(\.data.upperBound)
    let answers = message.records.contains {
      $0.section == 0 && ($0.type == question.type || question.type == DNSType.any)
    }
    isNegative = rcode == DNSRcode.nameError || !answers
    lifetime =
      isWhole && bytes.count <= Self.largestKept
      ? Self.lifetime(message, isNegative: isNegative, ttls: cut.map(\.ttl)) : 0
    if isNegative {
      let lifetime = lifetime
      cut = cut.map { ($0.offset, min($0.ttl, max(lifetime, 1))) }
    }
    ttlOffsets = cut
    self.bytes = bytes
  }

  private static func rename(_ message: DNSMessage, in bytes: inout [UInt8], _ aliases: AddressMap) {
    for record in message.records where record.type == DNSType.a && record.recordClass == 1 && record.data.count == 4 {
      guard let address = IPAddress(bytes: bytes[record.data]) else { continue }
      bytes.replaceSubrange(record.data, with: aliases.alias(of: address).bytes)
    }
  }

  private static func lifetime(_ message: DNSMessage, isNegative: Bool, ttls: [UInt32]) -> UInt32 {
    guard message.rcode == DNSRcode.noError || message.rcode == DNSRcode.nameError else { return 0 }
    guard isNegative else { return min(ttls.min() ?? 0, longest) }
    // RFC 2308 section 5: the lesser of the SOA's TTL and its last field. Without SOA it is not kept.
    guard let soa = message.records.first(where: { $0.section == 1 && $0.type == DNSType.soa && $0.data.count >= 22 })
    else { return 0 }
    let minimum = DNSMessage.load32(message.bytes, soa.data.upperBound - 4)
    return min(ttls.min() ?? 0, minimum, longestNegative)
  }

  func isFresh(_ now: UInt64) -> Bool { now - arrived < UInt64(lifetime) * 1_000_000 }

  /// Returns the message for this client: its ID, its spelling of the name, TTLs less the answer's age,
  /// OPT if it sent one.
  /// - Parameter limit: bytes; a longer message is cut behind the last record of the answer that fits,
  ///   with TC set (RFC 2181 section 9).
  func message(for query: DNSQuery, limit: Int, now: UInt64) -> (bytes: [UInt8], truncated: Bool) {
    let isWhole = bytes.count + (query.edns != nil && !hasOPT ? 11 : 0) <= limit
    let addsOPT = query.edns != nil && !(isWhole && hasOPT)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count + 11)
    if isWhole {
      out += bytes
    } else {
      let fitting = answerEnds.prefix { $0 + (addsOPT ? 11 : 0) <= limit }
      guard let end = fitting.last else { return (query.truncated(rcode: rcode), true) }
      out += bytes[..<end]
      out[2] |= 0x02
      out.replaceSubrange(
        6..<12, with: [UInt8(fitting.count >> 8), UInt8(truncatingIfNeeded: fitting.count), 0, 0, 0, 0])
    }
    out[0] = UInt8(query.id >> 8)
    out[1] = UInt8(truncatingIfNeeded: query.id)
    out.replaceSubrange(
      DNSMessage.headerSize..<(DNSMessage.headerSize + query.question.rawName.count), with: query.question.rawName)
    out[2] = out[2] & 0xfe | UInt8(query.flags >> 8 & 1)
    let age = UInt32(truncatingIfNeeded: (now - arrived) / 1_000_000)
    for (offset, ttl) in ttlOffsets where offset + 4 <= out.count {
      let left = ttl > age ? ttl - age : 0
      out[offset] = UInt8(left >> 24)
      out[offset + 1] = UInt8(truncatingIfNeeded: left >> 16)
      out[offset + 2] = UInt8(truncatingIfNeeded: left >> 8)
      out[offset + 3] = UInt8(truncatingIfNeeded: left)
    }
    if addsOPT, let edns = query.edns {
      let additional = DNSMessage.load16(out, 10) &+ 1
      out[10] = UInt8(additional >> 8)
      out[11] = UInt8(truncatingIfNeeded: additional)
      out.appendOPT(size: 1_232, dnssecOK: edns.dnssecOK)
    }
    return (out, !isWhole)
  }
}
