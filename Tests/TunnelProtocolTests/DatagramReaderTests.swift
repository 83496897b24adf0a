import TestSupport
import Testing
import TunnelProtocol

@Suite struct DatagramReaderTests {
  private func framed(_ datagrams: [[UInt8]]) -> [UInt8] {
    datagrams.flatMap { [UInt8(truncatingIfNeeded: $0.count >> 8), UInt8(truncatingIfNeeded: $0.count)] + $0 }
  }

  private func read(_ reader: inout DatagramReader, _ bytes: [UInt8]) -> [[UInt8]] {
    var told: [[UInt8]] = []
    bytes.withUnsafeBytes { raw in
      var input = raw
      while let datagram = reader.next(&input) { told.append(Array(datagram)) }
      #expect(input.isEmpty)
    }
    return told
  }

  private static let datagrams: [[UInt8]] = [
    [], [1], Array(repeating: 2, count: 255), [], Array(repeating: 3, count: 256), Array(repeating: 4, count: 5000),
    [5, 6],
    Array(repeating: 7, count: 65_535), [8],
  ]

  @Test(arguments: [1, 2, 3, 7, 256, 1000, 4096, 65_537, Int.max]) func readsAnyPieces(step: Int) {
    let bytes = framed(Self.datagrams)
    var reader = DatagramReader()
    var told: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(step)
      rest = rest.dropFirst(piece.count)
      told += read(&reader, Array(piece))
    }
    let isSame = told == Self.datagrams
    #expect(isSame, "\(told.map(\.count))")
    let isMidway = reader.isMidway  // `#expect` would copy the reader
    #expect(!isMidway)
  }

  /// Every pair of places to cut at.
  @Test func readsEverySplitInThree() {
    let datagrams: [[UInt8]] = [[1, 2, 3], [], [4], [5, 6, 7, 8]]
    let bytes = framed(datagrams)
    for first in 0...bytes.count {
      for second in first...bytes.count {
        var reader = DatagramReader()
        let told =
          read(&reader, Array(bytes[..<first])) + read(&reader, Array(bytes[first..<second]))
          + read(&reader, Array(bytes[second...]))
        #expect(told == datagrams, "cut at \(first) and \(second)")
      }
    }
  }

  @Test(arguments: 0..<20) func readsRandomPieces(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let datagrams = (0..<200).map { number in
      [UInt8](
        repeating: UInt8(truncatingIfNeeded: number),
        count: Int.random(in: 0...Int.random(in: 1...9000, using: &random), using: &random))
    }
    let bytes = framed(datagrams)
    var reader = DatagramReader()
    var told: [[UInt8]] = []
    var offset = 0
    while offset < bytes.count {
      let end = min(
        bytes.count, offset + Int.random(in: 1...Int.random(in: 1...20_000, using: &random), using: &random))
      told += read(&reader, Array(bytes[offset..<end]))
      offset = end
    }
    let isSame = told == datagrams
    #expect(isSame)
  }

  /// A datagram that is whole in the input is not copied.
  @Test func handsOutWholeDatagramsWhereTheyStand() {
    let bytes: [UInt8] = [0, 2, 9, 8, 0, 1, 7]
    bytes.withUnsafeBytes { raw in
      var reader = DatagramReader()
      var input = raw
      let first = reader.next(&input)
      let second = reader.next(&input)
      #expect(first?.baseAddress == raw.baseAddress! + 2)
      #expect(second?.baseAddress == raw.baseAddress! + 6)
    }
  }

  @Test func saysThatItIsMidway() {
    var reader = DatagramReader()
    var told: [Bool] = [reader.isMidway]
    for byte: UInt8 in [0, 1, 42] {
      let datagrams = read(&reader, [byte])
      #expect(datagrams == (byte == 42 ? [[42]] : []))
      told.append(reader.isMidway)
    }
    #expect(told == [false, true, true, false])
  }
}
