import Testing

@testable import KubeStreams

/// RFC 6455 section 5.2 from the client's side: whole messages, masked.
struct FrameWriterTests {
  @Test("The masked Hello of section 5.7")
  func maskingExample() {
    var payload = Array("Hello".utf8)
    let key = UInt32(littleEndian: 0x3d21_fa37)  // 37 fa 21 3d in memory
    payload.withUnsafeMutableBytes { FrameWriter.mask($0.baseAddress!, count: 5, key: key) }
    #expect(payload == [0x7f, 0x9f, 0x4d, 0x51, 0x58])
  }

  @Test("Masking is the same for every length and start, and undoes itself", arguments: 0..<40)
  func masking(count: Int) {
    let key: [UInt8] = [0x11, 0xa2, 0x43, 0xf4]
    let word = key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let expected = plain.indices.map { plain[$0] ^ key[$0 % 4] }
    for shift in 0..<4 {
      var memory = [UInt8](repeating: 0xee, count: shift) + plain + [0xee]
      memory.withUnsafeMutableBytes { FrameWriter.mask($0.baseAddress! + shift, count: count, key: word) }
      #expect(Array(memory[shift..<shift + count]) == expected)
      #expect(memory.last == 0xee)
    }
  }

  @Test("Heads with each of the three lengths", arguments: [0, 1, 125, 126, 65_535, 65_536])
  func heads(count: Int) {
    var writer = FrameWriter()
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let frame = writer.frame(.binary, payload)
    let lengthBytes: [UInt8] =
      switch count {
      case ..<126: [0x80 | UInt8(count)]
      case ..<65_536: [0xfe, UInt8(count >> 8), UInt8(count & 0xff)]
      default: [0xff, 0, 0, 0, 0, 0, UInt8(count >> 16), UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
      }
    #expect(Array(frame.prefix(1 + lengthBytes.count)) == [0x82] + lengthBytes)
    #expect(frame.count == 1 + lengthBytes.count + 4 + count)
    let key = Array(frame[(1 + lengthBytes.count)..<(5 + lengthBytes.count)])
    let masked = frame[(5 + lengthBytes.count)...]
    #expect(zip(masked, 0...).map { $0 ^ key[$1 % 4] } == payload)
  }

  @Test("A pong is a control frame")
  func pong() {
    var writer = FrameWriter()
    #expect(Array(writer.frame(.pong, [1, 2]).prefix(2)) == [0x8a, 0x82])
  }

  @Test("Every frame has a key of its own")
  func keys() {
    var writer = FrameWriter()
    let keys = Set((0..<600).map { _ in Array(writer.frame(.binary, [])[2..<6]) })
    #expect(keys.count > 590)
  }
}
