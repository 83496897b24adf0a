import NIOCore
import NIOHPACK
import Testing

@testable import HTTPMessages

/// Header blocks beside swift-nio-http2's encoder and decoder.
struct NIOHPACKTests {
  @Test("Each side reads the blocks of the other", arguments: 0..<6)
  func both(seed: Int) throws {
    var random = Random(seed)
    var encoder = NIOHPACK.HPACKEncoder(allocator: ByteBufferAllocator(), useHuffmanEncoding: seed.isMultiple(of: 2))
    let decoder = HTTPMessages.HPACKDecoder()
    for round in 0..<40 {
      // Both have one size; the encoder tells each change.
      if round % 10 == 9 { try encoder.setDynamicTableSize(random.pick([0, 100, 1000, 4096])) }
      var headers = HPACKHeaders()
      for _ in 0..<random.below(15) {
        let name = random.pick([":method", ":path", "cookie", "x-\(random.below(9))", "content-type", "grpc-timeout"])
        let value = random.pick([
          "GET", "/", "", "v\(random.below(30))", String(repeating: "§z~", count: random.below(200)), "\u{1}\u{7f}",
        ])
        let index = random.pick([HPACKIndexing.indexable, .nonIndexable, .neverIndexed])
        headers.add(name: name, value: value, indexing: index)
      }
      var buffer = ByteBuffer()
      try encoder.encode(headers: headers, to: &buffer)
      let list = HeaderList()
      #expect(buffer.withUnsafeReadableBytes { decoder.decode($0, into: list) })
      #expect(texts(list) == headers.map { "\($0.name): \($0.value)" })
      let out = RawBytes()
      HTTPMessages.HPACKEncoder.encode(list, into: out)
      var again = ByteBuffer(bytes: out.all)
      var other = NIOHPACK.HPACKDecoder(allocator: ByteBufferAllocator())
      #expect(try other.decodeHeaders(from: &again) == headers)
    }
  }

  private func texts(_ list: HeaderList) -> [String] {
    list.fields.map {
      String(decoding: list.name($0), as: UTF8.self) + ": " + String(decoding: list.value($0), as: UTF8.self)
    }
  }
}
