import Testing

@testable import LabNode

struct DNSMessageTests {
  static let sample: DNSMessage = {
    var message = DNSMessage(
      identifier: 7, isResponse: true, isAuthoritative: true, recursionDesired: true, recursionAvailable: true)
    let name = DNSName("web.shop.svc.cluster.local")
    message.questions = [DNSQuestion(name: DNSName("_http._tcp.web.shop.svc.cluster.local"), type: .srv)]
    message.answers = [
      DNSRecord(name: name, timeToLive: 5, value: .address(IPv4Address("10.98.0.7")!)),
      DNSRecord(name: name, timeToLive: 5, value: .service(priority: 0, weight: 100, port: 80, target: name)),
      DNSRecord(name: name, timeToLive: 5, value: .pointer(DNSName("a.b"))),
      DNSRecord(name: name, timeToLive: 5, value: .other(DNSType(rawValue: 16), [2, 104, 105])),
    ]
    message.authorities = [
      DNSRecord(
        name: name, timeToLive: 5,
        value: .authority(primary: DNSName("ns.x"), mailbox: DNSName("m.x"), serial: 9, minimum: 5))
    ]
    return message
  }()

  @Test func roundTrip() throws {
    let bytes = Self.sample.encoded()
    #expect(try DNSMessage(decoding: bytes) == Self.sample)
    // Compression: the suffix that all names share is there once, and once more in the SRV target, which must not
    // be compressed.
    #expect(count(of: Array("cluster".utf8), in: bytes) == 2)
  }

  @Test func extensionMechanism() throws {
    var message = DNSMessage(identifier: 1, recursionDesired: true)
    message.questions = [DNSQuestion(name: DNSName("a"), type: .a)]
    message.udpPayloadSize = 1232
    let bytes = message.encoded()
    #expect(bytes.suffix(11) == [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0])
    #expect(try DNSMessage(decoding: bytes).udpPayloadSize == 1232)
  }

  @Test func truncation() throws {
    var message = DNSMessage(identifier: 1, isResponse: true)
    let name = DNSName("many.shop.svc.cluster.local")
    message.questions = [DNSQuestion(name: name, type: .a)]
    message.answers = (0..<100).map { DNSRecord(name: name, timeToLive: 5, value: .address(IPv4Address(number: $0))) }
    let small = message.encoded(limit: 512)
    #expect(small.count <= 512)
    let read = try DNSMessage(decoding: small)
    #expect(read.isTruncated)
    #expect(read.answers.count == (512 - 45) / 16)
    #expect(try !DNSMessage(decoding: message.encoded(limit: 4096)).isTruncated)
  }

  /// Any bytes from the network either decode or throw; a message that decodes can be encoded and decoded again.
  @Test func damagedMessages() {
    var generator = SplitMix(state: 42)
    let original = Self.sample.encoded()
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator) / 3)
      guard let message = try? DNSMessage(decoding: bytes) else { continue }
      #expect((try? DNSMessage(decoding: message.encoded())) != nil || message.encoded().count > 65535)
    }
  }

  @Test func pointersThatLoop() {
    let header: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    #expect(throws: DNSDecodingError.loop) { try DNSMessage(decoding: header + [0xC0, 12, 0, 1, 0, 1]) }
    #expect(throws: DNSDecodingError.loop) { try DNSMessage(decoding: header + [1, 97, 0xC0, 12, 0, 1, 0, 1]) }
    #expect(throws: DNSDecodingError.label) { try DNSMessage(decoding: header + [0x80, 0, 0, 1, 0, 1]) }
    #expect(throws: DNSDecodingError.tooManyRecords) {
      try DNSMessage(decoding: [0, 1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0])
    }
  }

  @Test func namesIgnoreCase() {
    #expect(DNSName("Web.Shop.") == DNSName("web.shop"))
    #expect(DNSName("Web.Shop").key == "web.shop")
  }

  private func count(of needle: [UInt8], in bytes: [UInt8]) -> Int {
    bytes.indices.filter { bytes[$0...].starts(with: needle) }.count
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
