/// Decodes texts in the Huffman code of HPACK (RFC 7541, appendix B). Codes of one length are consecutive numbers, in
/// the order of their symbols, so that a code's length and number give its symbol.
enum Huffman {
  /// The symbols in the order of their codes, without the end of a text.
  private static let symbols: [UInt8] = [
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100,
    102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81,
    82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63,
    39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194,
    224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154,
    156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1, 135, 137, 138,
    139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191,
    197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201,
    202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245,
    246, 247, 248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25,
    26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
  ]
  /// The lengths that codes have.
  private static let lengths: [UInt8] = [
    5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30,
  ]
  /// The number behind the last code of each length, with its first bit at the top. Of the longest there is none.
  private static let limits: [UInt32] = [
    0x5000_0000, 0xb800_0000, 0xf800_0000, 0xfe00_0000, 0xff40_0000, 0xffa0_0000, 0xffc0_0000, 0xfff0_0000, 0xfff8_0000,
    0xfffe_0000, 0xfffe_6000, 0xfffe_e000, 0xffff_4800, 0xffff_b000, 0xffff_ea00, 0xffff_f600, 0xffff_f800, 0xffff_fbc0,
    0xffff_fe20, 0xffff_fff0, 0xffff_ffff,
  ]
  /// The place of the first symbol of each length, less its code.
  private static let bases: [Int32] = [
    0, -10, -56, -180, -942, -1963, -4008, -8100, -16290, -32672, -524177, -1_048_452, -2_097_010, -4_194_139,
    -8_388_423, -16_777_020, -33_554_226, -67_108_642, -134_217_489, -268_435_202, -1_073_741_567,
  ]
  private static let endOfText = 256

  /// Adds a decoded text to the bytes.
  /// - Returns: the count of its bytes, -1 if it is none.
  static func decode(_ text: UnsafeRawBufferPointer, into bytes: RawBytes) -> Int {
    let room = bytes.room(text.count &* 8 / 5 + 1)
    var count = 0
    var bits: UInt64 = 0
    var have = 0
    var next = 0
    while true {
      while have <= 32, next < text.count {
        bits = bits << 8 | UInt64(text[next])
        have += 8
        next += 1
      }
      guard have > 0 else { break }
      // Bits that lack at the end are ones, as the sender has to fill them (section 5.2).
      let window =
        have >= 32
        ? UInt32(truncatingIfNeeded: bits >> UInt64(have - 32))
        : UInt32(truncatingIfNeeded: bits << UInt64(32 - have) | (1 << UInt64(32 - have) - 1))
      var row = 0
      while row < limits.count - 1, window >= limits[row] { row += 1 }
      let length = Int(lengths[row])
      if length > have {
        guard have < 8, window == .max else { return -1 }
        break
      }
      let place = Int(bases[row]) + Int(window >> UInt32(32 - length))
      guard place < endOfText else { return -1 }
      room.storeBytes(of: symbols[place], toByteOffset: count, as: UInt8.self)
      count += 1
      have -= length
    }
    bytes.added(count)
    return count
  }
}
