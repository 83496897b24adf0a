import NIOCore
import Testing

@testable import LabAPI

@Suite struct SPDYTests {
  /// Two blocks of one connection, compressed with the SPDY dictionary as Kubernetes' clients do.
  private static let blocks: [[UInt8]] = [
    [
      0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2, 0x02, 0x25, 0x3a, 0x48, 0xf9, 0x5b, 0x04, 0x4e, 0xea, 0x16, 0x06, 0x16, 0x06,
      0x40,
      0x9a, 0xb3, 0x08, 0x12, 0x5f, 0x99, 0xa0, 0x74, 0xcc, 0x68, 0x00, 0x4e, 0x89, 0x25, 0x45, 0xa9, 0x89, 0xb9, 0xd0,
      0xc2,
      0x86, 0x35, 0x15, 0x14, 0x15, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
    ],
    [
      0x22, 0x53, 0x33, 0xa8, 0xa4, 0x4a, 0x04, 0x00, 0x00, 0x00, 0xff, 0xff,
    ],
  ]

  @Test func blocksWithTheDictionaryAreRead() throws {
    let blocks = HeaderBlocks()
    #expect(try blocks.decode(Self.blocks[0]) == ["streamtype": "error", "port": "8080", "requestid": "0"])
    #expect(try blocks.decode(Self.blocks[1]) == ["streamtype": "data", "port": "8080", "requestid": "0"])
  }

  @Test func blocksWithoutCompressionAreReadToo() throws {
    let writer = HeaderBlocks()
    let reader = HeaderBlocks()
    for headers in [["a": "1", "b": ""], [:], ["long": String(repeating: "x", count: 5000)]] {
      #expect(try reader.decode(writer.encode(headers)) == headers)
    }
  }

  @Test func brokenBlocksAreRefused() {
    #expect(throws: SPDYError.self) { try HeaderBlocks().decode([1, 2, 3, 4, 5, 6, 7, 8]) }
    #expect(throws: SPDYError.self) { try HeaderBlocks().decode(Self.blocks[0].dropLast(20)) }
  }

  @Test func framesAreReadByteByByte() throws {
    let frames: [SPDYFrame] = [
      .synStream(stream: 1, block: [1, 2, 3], isLast: true), .synReply(stream: 1, block: []),
      .data(stream: 3, bytes: ByteBuffer(string: "hi"), isLast: false),
      .data(stream: 3, bytes: ByteBuffer(), isLast: true), .rstStream(stream: 3, status: SPDYFrame.cancel), .ping(7),
      .goAway,
      .headers(stream: 5, block: [9]),
    ]
    var wire = ByteBuffer()
    for frame in frames { frame.write(to: &wire) }
    var fed = ByteBuffer()
    var read: [SPDYFrame] = []
    while let byte = wire.readInteger(as: UInt8.self) {
      fed.writeInteger(byte)
      while let frame = try SPDYFrame.read(from: &fed) { read.append(frame) }
    }
    #expect(read == frames)
    #expect(fed.readableBytes == 0)
  }

  @Test func anotherVersionIsRefused() {
    var wire = ByteBuffer(integer: UInt64(0x8002_0001_0000_0000))
    #expect(throws: SPDYError.self) { try SPDYFrame.read(from: &wire) }
  }
}
