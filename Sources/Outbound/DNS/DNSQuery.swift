/// A client's question that can be answered, or passed on.
struct DNSQuery {
  let id: UInt16
  let question: DNSQuestion
  /// RD, AD and CD, as the client set them.
  let flags: UInt16
  let edns: DNSMessage.EDNS?
  let key: DNSKey

  private static let passedFlags = DNSFlags.recursionDesired | DNSFlags.authenticData | DNSFlags.checkingDisabled
  /// The largest answer that upstream may send over UDP without fragments (DNS flag day 2020).
  private static let payloadSize = 1_232

  /// The reason why a message is not a query that can be answered.
  enum Refusal: Error {
    /// It gets no answer: it is a response, or too short.
    case ignored
    case rcode(UInt8)
  }

  /// - Throws: the rcode for the answer, if it gets one.
  init(_ bytes: [UInt8]) throws(Refusal) {
    guard bytes.count >= DNSMessage.headerSize, bytes[2] & 0x80 == 0 else { throw .ignored }
    guard bytes[2] >> 3 & 0xf == 0 else { throw .rcode(DNSRcode.notImplemented) }
    guard let message = DNSMessage(bytes), let question = message.question else { throw .rcode(DNSRcode.formatError) }
    self.init(id: message.id, question: question, flags: message.flags & Self.passedFlags, edns: message.edns)
  }

  init(id: UInt16, question: DNSQuestion, flags: UInt16, edns: DNSMessage.EDNS?) {
    self.id = id
    self.question = question
    self.flags = flags
    self.edns = edns
    let bits: UInt8 = (edns?.dnssecOK == true ? 1 : 0) | (flags & DNSFlags.checkingDisabled != 0 ? 2 : 0)
    key = DNSKey(name: question.name, type: question.type, questionClass: question.questionClass, bits: bits)
  }

  /// A question of our own.
  init(name: DNSName, type: UInt16) {
    let question = DNSQuestion(rawName: name.wire, type: type, questionClass: 1)
    self.init(id: 0, question: question, flags: DNSFlags.recursionDesired, edns: nil)
  }

  /// Returns the query for the next server, with our own ID. It has EDNS only if the client's has: not
  /// every server supports it.
  func upstream(id: UInt16) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(DNSMessage.headerSize + question.rawName.count + 15)
    bytes.append16(id)
    bytes.append16(flags)
    for count in [1, 0, 0, edns == nil ? 0 : 1] as [UInt16] { bytes.append16(count) }
    bytes.append(question)
    if let edns { bytes.appendOPT(size: Self.payloadSize, dnssecOK: edns.dnssecOK) }
    return bytes
  }

  /// The limit of an answer over UDP, in bytes (RFC 6891 section 6.2.5).
  var limit: Int { edns.map { min(max($0.payloadSize, 512), 4_096) } ?? 512 }

  /// Returns an answer without records.
  func answer(rcode: UInt8, authoritative: Bool = false) -> [UInt8] {
    answer(rcode: rcode, authoritative: authoritative, truncated: false, address: nil)
  }

  /// Returns the answer that sends the client to TCP.
  func truncated(rcode: UInt8) -> [UInt8] { answer(rcode: rcode, authoritative: false, truncated: true, address: nil) }

  /// Returns an answer with one address record.
  func answer(address: IPAddress, ttl: UInt32) -> [UInt8] {
    answer(rcode: DNSRcode.noError, authoritative: true, truncated: false, address: (address.bytes, ttl))
  }

  private func answer(rcode: UInt8, authoritative: Bool, truncated: Bool, address: (bytes: [UInt8], ttl: UInt32)?)
    -> [UInt8]
  {
    var bytes: [UInt8] = []
    bytes.append16(id)
    var head =
      DNSFlags.response | DNSFlags.recursionAvailable | flags & (DNSFlags.recursionDesired | DNSFlags.checkingDisabled)
      | UInt16(rcode & 0xf)
    if authoritative { head |= DNSFlags.authoritative }
    if truncated { head |= DNSFlags.truncated }
    bytes.append16(head)
    for count in [1, address == nil ? 0 : 1, 0, edns == nil ? 0 : 1] as [UInt16] { bytes.append16(count) }
    bytes.append(question)
    if let address {
      bytes.append16(0xc000 | UInt16(DNSMessage.headerSize))
      bytes.append16(question.type)
      bytes.append16(1)
      bytes.append16(UInt16(address.ttl >> 16))
      bytes.append16(UInt16(truncatingIfNeeded: address.ttl))
      bytes.append16(UInt16(address.bytes.count))
      bytes += address.bytes
    }
    if let edns { bytes.appendOPT(size: Self.payloadSize, dnssecOK: edns.dnssecOK) }
    return bytes
  }

  /// Returns the answer to a message that is not a query: a header alone.
  static func refusal(_ rcode: UInt8, of bytes: [UInt8]) -> [UInt8] {
    var answer = Array(bytes[0..<2])
    answer.append16(DNSFlags.response | DNSMessage.load16(bytes, 2) & 0x7900 | UInt16(rcode))
    answer += [UInt8](repeating: 0, count: 8)
    return answer
  }
}

/// The key under which answers are kept.
struct DNSKey: Hashable {
  let name: DNSName
  let type: UInt16
  let questionClass: UInt16
  /// DO and CD.
  let bits: UInt8
}

extension [UInt8] {
  mutating func append16(_ value: UInt16) {
    append(UInt8(value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  fileprivate mutating func append(_ question: DNSQuestion) {
    self += question.rawName
    append16(question.type)
    append16(question.questionClass)
  }

  mutating func appendOPT(size: Int, dnssecOK: Bool) {
    append(0)
    append16(DNSType.opt)
    append16(UInt16(size))
    append16(0)
    append16(dnssecOK ? 0x8000 : 0)
    append16(0)
  }
}
