/// A parsed DNS message: its question and the positions of its records (RFC 1035 section 4). The bytes are kept as they
/// came, so that records of every type pass unchanged.
struct DNSMessage {
  struct Record {
    let section: Int
    /// The position of the owner's name.
    let start: Int
    let type: UInt16
    let recordClass: UInt16
    let ttl: UInt32
    let ttlOffset: Int
    let data: Range<Int>
  }

  /// The OPT pseudo-record (RFC 6891 section 6.1.2).
  struct EDNS {
    let payloadSize: Int
    let extendedRcode: UInt8
    let dnssecOK: Bool
  }

  let bytes: [UInt8]
  let question: DNSQuestion?
  /// Without OPT.
  let records: [Record]
  let edns: EDNS?
  /// The position of OPT; nil without.
  let optRange: Range<Int>?

  static let headerSize = 12

  var id: UInt16 { Self.load16(bytes, 0) }
  var flags: UInt16 { Self.load16(bytes, 2) }
  var isResponse: Bool { flags & DNSFlags.response != 0 }
  var isTruncated: Bool { flags & DNSFlags.truncated != 0 }
  var opcode: UInt16 { flags >> 11 & 0xf }
  var rcode: UInt8 { UInt8(flags & 0xf) }

  /// Nil if this is not a DNS message: too short, a name or record that leaves the message, a pointer
  /// that does not point back. Never traps.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headerSize, bytes.count <= 65_535 else { return nil }
    let questions = Self.load16(bytes, 4)
    let counts = [Self.load16(bytes, 6), Self.load16(bytes, 8), Self.load16(bytes, 10)]
    guard questions <= 1 else { return nil }
    var offset = Self.headerSize
    if questions == 1 {
      // The question's name has nothing to point back to.
      guard let end = Self.endOfName(bytes, offset), end + 4 <= bytes.count, let name = Self.name(bytes, offset),
        end - offset == name.count
      else { return nil }
      question = DNSQuestion(rawName: name, type: Self.load16(bytes, end), questionClass: Self.load16(bytes, end + 2))
      offset = end + 4
    } else {
      question = nil
    }
    var records: [Record] = []
    var edns: EDNS?
    var optRange: Range<Int>?
    for (section, count) in counts.enumerated() {
      for _ in 0..<count {
        let start = offset
        guard let end = Self.endOfName(bytes, offset), end + 10 <= bytes.count else { return nil }
        let length = Int(Self.load16(bytes, end + 8))
        guard end + 10 + length <= bytes.count else { return nil }
        offset = end + 10 + length
        let type = Self.load16(bytes, end)
        let ttl = UInt32(Self.load16(bytes, end + 4)) << 16 | UInt32(Self.load16(bytes, end + 6))
        if type == DNSType.opt {
          guard section == 2, edns == nil, end == start + 1 else { return nil }
          edns = EDNS(
            payloadSize: Int(Self.load16(bytes, end + 2)), extendedRcode: UInt8(ttl >> 24), dnssecOK: ttl & 0x8000 != 0)
          optRange = start..<offset
        } else {
          records.append(
            Record(
              section: section, start: start, type: type, recordClass: Self.load16(bytes, end + 2), ttl: ttl,
              ttlOffset: end + 4, data: (end + 10)..<offset))
        }
      }
    }
    // Bytes behind the last record belong to nothing, and would come between it and an appended OPT.
    self.bytes = offset == bytes.count ? bytes : Array(bytes[..<offset])
    self.records = records
    self.edns = edns
    self.optRange = optRange
  }

  static func load16(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
    UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
  }
  static func load32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(load16(bytes, offset)) << 16 | UInt32(load16(bytes, offset + 2))
  }

  /// Returns the position behind the name; follows no pointer.
  static func endOfName(_ bytes: [UInt8], _ start: Int) -> Int? {
    var offset = start
    while offset < bytes.count {
      let length = Int(bytes[offset])
      if length == 0 { return offset + 1 }
      if length & 0xc0 == 0xc0 {
        guard offset + 1 < bytes.count, (length & 0x3f) << 8 | Int(bytes[offset + 1]) < offset else { return nil }
        return offset + 2
      }
      guard length < 64 else { return nil }
      offset += length + 1
      guard offset - start < 255 else { return nil }
    }
    return nil
  }

  /// Returns the whole name in wire form, its pointers followed (RFC 1035 section 4.1.4). Each pointer must point
  /// further back, so the walk ends.
  static func name(_ bytes: [UInt8], _ start: Int) -> [UInt8]? {
    var name: [UInt8] = []
    var offset = start
    var limit = start
    while offset < bytes.count {
      let length = Int(bytes[offset])
      if length & 0xc0 == 0xc0 {
        guard offset + 1 < bytes.count else { return nil }
        let target = (length & 0x3f) << 8 | Int(bytes[offset + 1])
        guard target >= headerSize, target < limit else { return nil }
        limit = target
        offset = target
        continue
      }
      guard length < 64, offset + length < bytes.count, name.count + length + 1 <= 255 else { return nil }
      name += bytes[offset...(offset + length)]
      if length == 0 { return name }
      offset += length + 1
    }
    return nil
  }
}

/// A question (RFC 1035 section 4.1.2).
struct DNSQuestion {
  /// In wire form, in the asker's upper and lower case.
  let rawName: [UInt8]
  let type: UInt16
  let questionClass: UInt16

  var name: DNSName { DNSName(lowercasing: rawName) }

  func matches(_ other: DNSQuestion) -> Bool {
    type == other.type && questionClass == other.questionClass && name == other.name
  }
}

enum DNSFlags {
  static let response: UInt16 = 0x8000
  static let authoritative: UInt16 = 0x0400
  static let truncated: UInt16 = 0x0200
  static let recursionDesired: UInt16 = 0x0100
  static let recursionAvailable: UInt16 = 0x0080
  static let authenticData: UInt16 = 0x0020
  static let checkingDisabled: UInt16 = 0x0010
}

enum DNSRcode {
  static let noError: UInt8 = 0, formatError: UInt8 = 1, serverFailure: UInt8 = 2, nameError: UInt8 = 3,
    notImplemented: UInt8 = 4, refused: UInt8 = 5

  static func text(_ rcode: UInt8) -> String {
    let known = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
    return Int(rcode) < known.count ? known[Int(rcode)] : "RCODE\(rcode)"
  }
}

enum DNSType {
  static let a: UInt16 = 1, ns: UInt16 = 2, cname: UInt16 = 5, soa: UInt16 = 6, ptr: UInt16 = 12, mx: UInt16 = 15,
    aaaa: UInt16 = 28, srv: UInt16 = 33
  static let opt: UInt16 = 41, any: UInt16 = 255

  static func text(_ type: UInt16) -> String {
    switch type {
    case 1: "A"
    case 2: "NS"
    case 5: "CNAME"
    case 6: "SOA"
    case 12: "PTR"
    case 15: "MX"
    case 16: "TXT"
    case 28: "AAAA"
    case 33: "SRV"
    case 64: "SVCB"
    case 65: "HTTPS"
    case 255: "ANY"
    default: "TYPE\(type)"
    }
  }
}
