extension DNSMessage {
  /// The message as bytes, at most `limit` of them: where it does not fit, whole records are left out and TC says so
  /// (RFC 2181 section 9).
  func encoded(limit: Int = 65535) -> [UInt8] {
    var writer = DNSWriter()
    let flags: UInt16 =
      (isResponse ? 0x8000 : 0) | UInt16(opcode & 0xF) << 11 | (isAuthoritative ? 0x0400 : 0)
      | (isTruncated ? 0x0200 : 0)
      | (recursionDesired ? 0x0100 : 0) | (recursionAvailable ? 0x0080 : 0) | UInt16(responseCode & 0xF)
    writer.words(identifier, flags, UInt16(questions.count), 0, 0, 0)
    for question in questions {
      writer.name(question.name)
      writer.words(question.type.rawValue, question.recordClass)
    }
    let options = udpPayloadSize.map { size -> [UInt8] in
      [0, 0, UInt8(DNSType.opt.rawValue), UInt8(size >> 8), UInt8(size & 0xFF), 0, 0, 0, 0, 0, 0]
    }
    let room = limit - (options?.count ?? 0)
    var counts: [UInt16] = []
    var truncated = false
    for section in [answers, authorities, additionals] {
      var count: UInt16 = 0
      for record in section where !truncated {
        let before = writer
        writer.record(record)
        if writer.bytes.count > room {
          writer = before
          truncated = true
        } else {
          count += 1
        }
      }
      counts.append(count)
    }
    if let options {
      writer.bytes += options
      counts[2] += 1
    }
    // Additional records are extras: leaving some out loses nothing that TC would have to announce.
    if truncated, counts[0] < answers.count || counts[1] < authorities.count { writer.bytes[2] |= 0x02 }
    for (index, count) in counts.enumerated() { writer.set(count, at: 6 + 2 * index) }
    return writer.bytes
  }
}

private struct DNSWriter {
  var bytes: [UInt8] = []
  /// The offsets at which suffixes of names were written before.
  private var offsets: [DNSName: Int] = [:]

  mutating func words(_ words: UInt16...) {
    for word in words {
      bytes.append(UInt8(word >> 8))
      bytes.append(UInt8(word & 0xFF))
    }
  }

  mutating func long(_ number: UInt32) { words(UInt16(number >> 16), UInt16(number & 0xFFFF)) }

  mutating func set(_ word: UInt16, at position: Int) {
    bytes[position] = UInt8(word >> 8)
    bytes[position + 1] = UInt8(word & 0xFF)
  }

  mutating func name(_ name: DNSName, compressed: Bool = true) {
    for index in name.labels.indices {
      let suffix = DNSName(labels: Array(name.labels[index...]))
      if compressed, let offset = offsets[suffix] {
        words(0xC000 | UInt16(offset))
        return
      }
      if bytes.count < 0x4000 { offsets[suffix] = offsets[suffix] ?? bytes.count }
      bytes.append(UInt8(name.labels[index].count))
      bytes += name.labels[index]
    }
    bytes.append(0)
  }

  mutating func record(_ record: DNSRecord) {
    name(record.name)
    words(record.type.rawValue, 1)
    long(record.timeToLive)
    let length = bytes.count
    words(0)
    switch record.value {
    case .address(let address): bytes += address.bytes
    case .pointer(let target), .alias(let target): name(target)
    case .service(let priority, let weight, let port, let target):
      words(priority, weight, port)
      // RFC 2782: the target must not be compressed.
      name(target, compressed: false)
    case .authority(let primary, let mailbox, let serial, let minimum):
      name(primary)
      name(mailbox)
      for number in [serial, 7200, 1800, 86400, minimum] { long(number) }
    case .other(_, let data): bytes += data
    }
    set(UInt16(bytes.count - length - 2), at: length)
  }
}
