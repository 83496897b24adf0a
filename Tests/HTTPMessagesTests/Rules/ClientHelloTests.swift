import Testing

@testable import HTTPMessages

struct ClientHelloTests {
  /// The first message of OpenSSL 3 to API.shop.example, with ALPN.
  private static let text = """
    1603010200010001fc0303019bf220c30a1da00efb231e56088f0af22827b3f5a24716ce53b0f37219282b20f24429145ce0810a74a97fc6
    f14949d8957c759d5808b1f4a40e1adfed0ab8620024130213031301c02cc030c02bc02fcca9cca8c024c028c023c027009f009e006b0067
    00ff0100018f0000001500130000104150492e73686f702e6578616d706c65000b000403000102000a00160014001d0017001e0019001801
    000101010201030104002300000010000e000c02683208687474702f312e310016000000170000000d002a00280403050306030807080808
    09080a080b080408050806040105010601030303010302040205020602002b00050403040303002d00020101003300260024001d0020e570
    484f6026dc6022501fbea0750653713ff51b722272c9c8747375ac612c72001500cb00000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
    00000000000000000000000000
    """

  static let sample: [UInt8] = {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }()
  private static let name = ClientHello.name(Array("api.shop.example".utf8))

  /// The same message in records of a size.
  static func records(of size: Int) -> [UInt8] {
    let message = Array(sample[5...])
    return stride(from: 0, to: message.count, by: size).flatMap { start -> [UInt8] in
      let part = message[start..<min(start + size, message.count)]
      return [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 255)] + part
    }
  }

  @Test("The name is found once the message is whole, in a few records", arguments: [60, 100, 16384])
  func cut(size: Int) {
    let bytes = Self.records(of: size)
    for count in 0..<bytes.count { #expect(ClientHello(Array(bytes[..<count])) == .more, "\(count)") }
    #expect(ClientHello(bytes) == Self.name)
    #expect(ClientHello(bytes + [20, 3, 3, 0, 1, 1]) == Self.name)
  }

  @Test("Many records are none of a client: each read would look at them all")
  func manyRecords() { #expect(ClientHello(Self.records(of: 1)) == .nameless) }

  static let others: [(String, [UInt8])] = [
    ("another protocol", [22, 4]), ("HTTP", Array("GET".utf8)), ("an alert", [21, 3, 1, 0, 2]),
    ("a ServerHello", [22, 3, 3, 0, 4, 2, 0, 0, 0]), ("an empty record", [22, 3, 1, 0, 0]),
    ("a record that is too long", [22, 3, 1, 0x40, 1]), ("a message that is too long", [22, 3, 1, 0, 4, 1, 1, 0, 0]),
    ("an empty message", [22, 3, 1, 0, 4, 1, 0, 0, 0]),
    ("endless sessions", [22, 3, 1, 0, 40, 1, 0, 0, 36] + [UInt8](repeating: 255, count: 36)),
  ]

  @Test("Anything else has no name", arguments: others)
  func nameless(name: String, bytes: [UInt8]) { #expect(ClientHello(bytes) == .nameless) }

  @Test("Any byte may be wrong")
  func damaged() {
    for index in Self.sample.indices {
      for value in [0, 1, 127, 255] as [UInt8] {
        var bytes = Self.sample
        bytes[index] = value
        if case .name(let name) = ClientHello(bytes) { #expect(name.count == 16 || index > 40) }
      }
    }
  }

  @Test("A rule with a name holds for no request, and a request's rule for no name")
  func rules() throws {
    var head = RequestHead()
    Array("api.shop.example".utf8).withUnsafeBytes { head.setServerName($0) }
    func matches(_ text: String, _ head: RequestHead) throws -> Bool {
      try #require(RequestRule(text: Array(text.utf8))).matches(head)
    }
    #expect(try matches("sni api.shop.example", head) && matches("sni *.example", head))
    #expect(try !matches("sni shop.example", head) && !matches("sni api", head))
    for other in ["path *", "method *", "header host", "query a", "cookie a", "baggage a"] {
      #expect(try !matches(other, head), "\(other)")
    }
    var request = RequestHead()
    Array("GET".utf8).withUnsafeBytes { request.setMethod($0) }
    Array("/".utf8).withUnsafeBytes { request.setTarget($0) }
    #expect(try !matches("sni *", request))
  }
}
