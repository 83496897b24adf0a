/// The reason why bytes are no DNS message.
enum DNSDecodingError: Error, Sendable { case truncated, label, loop, tooLong, tooManyRecords }

extension DNSMessage {
  /// Reads one message from its first byte; bytes behind it are ignored.
  init(decoding bytes: [UInt8]) throws(DNSDecodingError) {
    var reader = DNSReader(bytes)
    identifier = try reader.word()
    let flags = try reader.word()
    isResponse = flags & 0x8000 != 0
    opcode = UInt8(flags >> 11 & 0xF)
    isAuthoritative = flags & 0x0400 != 0
    isTruncated = flags & 0x0200 != 0
    recursionDesired = flags & 0x0100 != 0
    recursionAvailable = flags & 0x0080 != 0
    responseCode = UInt8(flags & 0xF)
    let counts = [try reader.word(), try reader.word(), try reader.word(), try reader.word()]
    // A record takes 11 bytes at least, a question 5: a header that promises more than the bytes can hold costs
    // nothing.
    guard counts.reduce(0, { $0 + Int($1) }) <= bytes.count / 5 else { throw .tooManyRecords }
    for _ in 0..<counts[0] {
      questions.append(
        DNSQuestion(name: try reader.name(), type: DNSType(rawValue: try reader.word()), recordClass: try reader.word())
      )
    }
    for _ in 0..<counts[1] { if let record = try record(&reader) { answers.append(record) } }
    for _ in 0..<counts[2] { if let record = try record(&reader) { authorities.append(record) } }
    for _ in 0..<counts[3] { if let record = try record(&reader) { additionals.append(record) } }
  }

  /// - Returns: nil for the EDNS0 pseudo-record, which says its sender's payload size in the place of a class.
  private mutating func record(_ reader: inout DNSReader) throws(DNSDecodingError) -> DNSRecord? {
    let name = try reader.name()
    let type = DNSType(rawValue: try reader.word())
    let recordClass = try reader.word()
    let timeToLive = UInt32(try reader.word()) << 16 | UInt32(try reader.word())
    let length = Int(try reader.word())
    let end = reader.position + length
    guard end <= reader.bytes.count else { throw .truncated }
    defer { reader.position = end }
    if type == .opt {
      udpPayloadSize = max(512, recordClass)
      return nil
    }
    return DNSRecord(name: name, timeToLive: timeToLive, value: try Self.value(type, &reader, end))
  }

  private static func value(_ type: DNSType, _ reader: inout DNSReader, _ end: Int) throws(DNSDecodingError)
    -> DNSRecord.Value
  {
    switch type {
    case .a where end - reader.position == 4:
      return .address(IPv4Address(number: UInt32(try reader.word()) << 16 | UInt32(try reader.word())))
    case .ptr: return .pointer(try reader.name())
    case .cname: return .alias(try reader.name())
    case .srv:
      return .service(
        priority: try reader.word(), weight: try reader.word(), port: try reader.word(), target: try reader.name())
    case .soa:
      let names = (try reader.name(), try reader.name())
      var numbers: [UInt32] = []
      for _ in 0..<5 { numbers.append(UInt32(try reader.word()) << 16 | UInt32(try reader.word())) }
      return .authority(primary: names.0, mailbox: names.1, serial: numbers[0], minimum: numbers[4])
    default: return .other(type, Array(reader.bytes[reader.position..<end]))
    }
  }
}

private struct DNSReader {
  let bytes: [UInt8]
  var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func byte() throws(DNSDecodingError) -> UInt8 {
    guard position < bytes.count else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func word() throws(DNSDecodingError) -> UInt16 { UInt16(try byte()) << 8 | UInt16(try byte()) }

  /// Reads a name, following compression pointers (RFC 1035 section 4.1.4), which must lead backwards.
  mutating func name() throws(DNSDecodingError) -> DNSName {
    var labels: [[UInt8]] = []
    var size = 0
    var resume: Int?
    var start = position
    while true {
      let length = try byte()
      switch length >> 6 {
      case 0 where length == 0:
        if let resume { position = resume }
        return DNSName(labels: labels)
      case 0:
        guard position + Int(length) <= bytes.count else { throw .truncated }
        size += Int(length) + 1
        guard size <= 254 else { throw .tooLong }
        labels.append(Array(bytes[position..<position + Int(length)]))
        position += Int(length)
      case 3:
        let target = Int(length & 0x3F) << 8 | Int(try byte())
        guard target < start else { throw .loop }
        resume = resume ?? position
        position = target
        start = target
      default: throw .label
      }
    }
  }
}
