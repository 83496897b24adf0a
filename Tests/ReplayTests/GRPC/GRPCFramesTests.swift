import Testing

@testable import Replay

@Suite struct GRPCFramesTests {
  /// A letter, repeated, packed to about a hundred-and-sixtieth (RFC 1951, section 3.2.6).
  private func packed(repeats: Int) -> [UInt8] {
    var bits: [UInt8] = [1, 1, 0]
    func code(_ value: Int, _ count: Int) { for bit in (0..<count).reversed() { bits.append(UInt8(value >> bit & 1)) } }
    code(0x30 + 0x61, 8)
    for _ in 0..<repeats {
      code(0b1100_0101, 8)  // 258 bytes
      code(0, 5)  // of one place before
    }
    code(0, 7)
    bits += Array(repeating: 0, count: (8 - bits.count % 8) % 8)
    var bytes: [UInt8] = [0x78, 0x9c]
    for start in stride(from: 0, to: bits.count, by: 8) {
      var byte: UInt8 = 0
      for bit in 0..<8 { byte |= bits[start + bit] << UInt8(bit) }
      bytes.append(byte)
    }
    return bytes
  }

  private func frame(_ flag: UInt8, _ message: [UInt8]) -> [UInt8] {
    let count = message.count
    return [flag, 0, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)] + message
  }

  @Test("Whole messages are unpacked")
  func messages() {
    let body = frame(0, [1, 2]) + frame(1, packed(repeats: 2)) + frame(0, []) + [0, 0, 0, 0, 9, 1]
    #expect(GRPCFrames.messages(body) == [[1, 2], Array(repeating: 0x61, count: 517), []])
  }

  @Test("A small answer does not become a large one: messages beyond the budget stay packed")
  func budget() {
    let bomb = packed(repeats: 400)
    let body = (0..<50).flatMap { _ in frame(1, bomb) } + frame(0, [7])
    let messages = GRPCFrames.messages(body, budget: 250_000)
    #expect(messages.count == 51 && messages.last == [7])
    #expect(messages.count { $0.count == 400 * 258 + 1 } == 3 && messages[3...49].allSatisfy { $0 == bomb })
  }
}
