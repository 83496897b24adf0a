// Names of addresses (RFC 1035 section 3.5) of the cluster that the host knows under others: the question goes to the
// cluster with the true address in its name, and the answer comes back under the name that was asked for.

extension DNSName {
  private static let reverseZone = DNSName("in-addr.arpa")!

  /// Makes 7.0.96.10.in-addr.arpa of 10.96.0.7; nil for an IPv6 address.
  init?(reverseOf address: IPAddress) {
    guard !address.isIPv6 else { return nil }
    self.init(address.bytes.reversed().map(String.init).joined(separator: ".") + ".in-addr.arpa")
  }

  /// The IPv4 address that the name is for; nil for any other name, even one with fewer numbers.
  var reverseAddress: IPAddress? {
    guard isWithin(Self.reverseZone) else { return nil }
    var bytes: [UInt8] = []
    var offset = 0
    while bytes.count < 4 {
      let label = wire[(offset + 1)...].prefix(Int(wire[offset]))
      guard let number = UInt8(String(decoding: label, as: UTF8.self)), String(number).utf8.elementsEqual(label) else {
        return nil
      }
      bytes.insert(number, at: 0)
      offset += label.count + 1
    }
    return wire[offset...].elementsEqual(Self.reverseZone.wire) ? IPAddress(bytes: bytes) : nil
  }
}

extension AddressMap {
  /// Returns the question for the cluster if a client asks for the name of an aliased address; nil for
  /// every other question.
  func real(of question: DNSQuestion) -> DNSQuestion? {
    guard !isEmpty, question.questionClass == 1, let address = question.name.reverseAddress,
      case let real = real(of: address), real != address
    else {
      return nil
    }
    return DNSName(reverseOf: real).map {
      DNSQuestion(rawName: $0.wire, type: question.type, questionClass: question.questionClass)
    }
  }
}

extension DNSMessage {
  /// Returns the message under another name: in the question, in owners, and, if both names have as many labels, for
  /// zones of the asked name (the SOA's) with as many labels of the new one. It is written again, without pointers into
  /// moved parts. Nil if that is impossible.
  func renamed(to rawName: [UInt8]) -> DNSMessage? {
    guard let question else { return nil }
    let old = question.name
    let hasItsZones = DNSName(lowercasing: rawName).dots == old.dots
    var out = Array(bytes[..<4])
    let sections = (0..<3).map { section in records.count { $0.section == section } }
    for count in [1, sections[0], sections[1], sections[2] + (optRange == nil ? 0 : 1)] { out.append16(UInt16(count)) }
    out += rawName
    out.append16(question.type)
    out.append16(question.questionClass)
    for record in records {
      guard let owner = Self.name(bytes, record.start), let data = plainData(record) else { return nil }
      let isAsked = DNSName(lowercasing: owner) == old
      out += isAsked ? rawName : hasItsZones ? Self.renamed(owner, from: old, to: rawName) : owner
      out += bytes[(record.ttlOffset - 4)..<(record.ttlOffset + 4)]
      out.append16(UInt16(data.count))
      out += data
    }
    if let optRange { out += bytes[optRange] }
    return DNSMessage(out)
  }

  private static func renamed(_ owner: [UInt8], from old: DNSName, to new: [UInt8]) -> [UInt8] {
    let name = DNSName(lowercasing: owner)
    guard name.wire.count > 1, old.isWithin(name) else { return owner }
    var offset = 0
    // Both are names of addresses, with as many labels.
    for _ in 0..<(old.dots - name.dots) { offset += Int(new[offset]) + 1 }
    return Array(new[offset...])
  }

  /// Returns a record's data, its names in full. Only the types of RFC 1035 may have pointers (RFC 3597 section 4), but
  /// SRV has them in practice (RFC 2782).
  private func plainData(_ record: Record) -> [UInt8]? {
    let data = record.data
    let (before, names): (Int, Int) =
      switch record.type {
      case DNSType.ns, DNSType.cname, DNSType.ptr: (0, 1)
      case DNSType.soa: (0, 2)
      case DNSType.mx: (2, 1)
      case DNSType.srv: (6, 1)
      default: (data.count, 0)
      }
    guard data.count >= before else { return nil }
    var offset = data.lowerBound + before
    var out = Array(bytes[data.lowerBound..<offset])
    for _ in 0..<names {
      guard let name = Self.name(bytes, offset), let end = Self.endOfName(bytes, offset), end <= data.upperBound else {
        return nil
      }
      out += name
      offset = end
    }
    return out + bytes[offset..<data.upperBound]
  }
}
