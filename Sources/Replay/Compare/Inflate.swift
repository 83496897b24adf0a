/// Unpacks what gzip (RFC 1952) or zlib (RFC 1950) has packed, by DEFLATE (RFC 1951).
struct Inflate {
  /// Longer results are refused.
  static let limit = 64 << 20

  private let bytes: [UInt8]
  private var position: Int
  private var bits: UInt32 = 0
  private var count = 0
  private var out: [UInt8] = []

  /// - Returns: nil if the bytes are neither, or broken. A checksum is not looked at.
  static func unpack(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count > 2 else { return nil }
    if bytes[0] == 0x1F, bytes[1] == 0x8B { return gzip(bytes) }
    guard bytes[0] & 15 == 8, (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0, bytes[1] & 0x20 == 0 else { return nil }
    var inflate = Inflate(bytes, at: 2)
    return inflate.run() ? inflate.out : nil
  }

  private static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count > 18, bytes[2] == 8 else { return nil }
    var start = 10
    if bytes[3] & 4 != 0 { start += 2 + Int(bytes[10]) + Int(bytes[11]) << 8 }
    for flag: UInt8 in [8, 16] where bytes[3] & flag != 0 {
      while start < bytes.count, bytes[start] != 0 { start += 1 }
      start += 1
    }
    if bytes[3] & 2 != 0 { start += 2 }
    var inflate = Inflate(bytes, at: start)
    return inflate.run() ? inflate.out : nil
  }

  private init(_ bytes: [UInt8], at position: Int) {
    self.bytes = bytes
    self.position = position
  }

  private mutating func run() -> Bool {
    while true {
      guard let isLast = take(1), let kind = take(2) else { return false }
      let isSound =
        switch kind {
        case 0: stored()
        case 1: block(Self.fixed.literals, Self.fixed.distances)
        case 2: dynamic()
        default: false
        }
      guard isSound else { return false }
      if isLast == 1 { return true }
    }
  }

  // MARK: Bits

  private mutating func take(_ wanted: Int) -> Int? {
    while count < wanted {
      guard position < bytes.count else { return nil }
      bits |= UInt32(bytes[position]) << UInt32(count)
      position += 1
      count += 8
    }
    defer {
      bits >>= UInt32(wanted)
      count -= wanted
    }
    return Int(bits & (1 << UInt32(wanted) - 1))
  }

  /// Codes by their lengths: how many there are of each, and the symbols in the order of the codes.
  private struct Code {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) {
      for length in lengths where length > 0 { counts[length] += 1 }
      symbols = lengths.indices.filter { lengths[$0] > 0 }.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    }
  }

  private mutating func symbol(_ code: Code) -> Int? {
    var (value, first, index) = (0, 0, 0)
    for length in 1...15 {
      guard let bit = take(1) else { return nil }
      value |= bit
      let count = code.counts[length]
      if value - first < count {
        let place = index + value - first
        return code.symbols.indices.contains(place) ? code.symbols[place] : nil
      }
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    return nil
  }

  // MARK: Blocks

  private mutating func stored() -> Bool {
    bits = 0
    count = 0
    guard position + 4 <= bytes.count else { return false }
    let length = Int(bytes[position]) | Int(bytes[position + 1]) << 8
    position += 4
    guard position + length <= bytes.count, out.count + length <= Self.limit else { return false }
    out += bytes[position..<(position + length)]
    position += length
    return true
  }

  private static let fixed = (
    literals: Code(
      [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24)
        + [Int](repeating: 8, count: 8)), distances: Code([Int](repeating: 5, count: 30))
  )
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
  private static let lengths = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let distances = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
  ]

  private mutating func dynamic() -> Bool {
    guard let literals = take(5), let distances = take(5), let codes = take(4) else { return false }
    var lengths = [Int](repeating: 0, count: 19)
    for index in 0..<(codes + 4) {
      guard let length = take(3) else { return false }
      lengths[Self.order[index]] = length
    }
    let code = Code(lengths)
    let total = literals + 257 + distances + 1
    lengths = []
    while lengths.count < total {
      guard let symbol = symbol(code) else { return false }
      switch symbol {
      case 16:
        guard let last = lengths.last, let more = take(2) else { return false }
        lengths += [Int](repeating: last, count: more + 3)
      case 17, 18:
        guard let more = take(symbol == 17 ? 3 : 7) else { return false }
        lengths += [Int](repeating: 0, count: more + (symbol == 17 ? 3 : 11))
      default: lengths.append(symbol)
      }
    }
    guard lengths.count == total else { return false }
    return block(Code(Array(lengths[..<(literals + 257)])), Code(Array(lengths[(literals + 257)...])))
  }

  private mutating func block(_ literals: Code, _ distances: Code) -> Bool {
    while true {
      guard let symbol = symbol(literals) else { return false }
      if symbol < 256 {
        out.append(UInt8(symbol))
      } else if symbol == 256 {
        return true
      } else {
        guard symbol < 286, let length = length(symbol - 257), let place = self.symbol(distances), place < 30,
          let extra = take(max(0, place / 2 - 1))
        else { return false }
        let distance = Self.distances[place] + extra
        guard distance <= out.count else { return false }
        for _ in 0..<length { out.append(out[out.count - distance]) }
      }
      guard out.count <= Self.limit else { return false }
    }
  }

  private mutating func length(_ place: Int) -> Int? {
    if place == 28 { return 258 }
    return take(max(0, place / 4 - 1)).map { Self.lengths[place] + $0 }
  }
}
