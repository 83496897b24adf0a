import Testing

@testable import HTTPMessages

/// The examples of RFC 7541, and what a decoder has to refuse.
struct HPACKTests {
  private static let requests = [
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    [
      ":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com",
      "custom-key: custom-value",
    ],
  ]
  private static let answers = [
    [
      ":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ],
    [
      ":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ],
    [
      ":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT",
      "location: https://www.example.com", "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ]

  @Test(
    "The blocks of appendices C.3 to C.6",
    arguments: [
      (
        false,
        [
          "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
          "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ]
      ),
      (
        false,
        [
          "828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
          "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ]
      ),
      (
        true,
        [
          "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e"
            + "1768747470733a2f2f7777772e6578616d706c652e636f6d",
          "4803333037c1c0bf",
          "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d"
            + "4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273"
            + "696f6e3d31",
        ]
      ),
      (
        true,
        [
          "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8"
            + "e9ae82ae43d3",
          "4883640effc1c0bf",
          "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b"
            + "3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ]
      ),
    ] as [(Bool, [String])])
  func examples(isAnswer: Bool, blocks: [String]) {
    let decoder = HPACKDecoder()
    // The answers' examples have a table of 256 bytes.
    if isAnswer { #expect(fields("3fe101", decoder) == []) }
    for (block, expected) in zip(blocks, isAnswer ? Self.answers : Self.requests) {
      #expect(fields(block, decoder) == expected)
    }
  }

  @Test(
    "Literals of appendix C.2",
    arguments: [
      ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header"),
      ("040c2f73616d706c652f70617468", ":path: /sample/path"),
      ("100870617373776f726406736563726574", "password: secret"),
      ("82", ":method: GET"),
    ])
  func literals(block: String, field: String) { #expect(fields(block, HPACKDecoder()) == [field]) }

  @Test(
    "Blocks that are none",
    arguments: [
      "80",  // index 0
      "be",  // an empty dynamic table
      "7f00",  // a name of the empty table
      "ff",  // an integer without its end
      "ffffffffffff7f",  // a huge one
      "400a6375",  // a text without its end
      "4081fe0161",  // padding with a zero
      "4082ffff0161",  // padding of a whole byte
      "4084fffffffc0161",  // the end of a text within one
      "8220",  // a table size behind a field
      "3fe21f",  // a table above the limit
      "00",
    ])
  func refused(block: String) { #expect(fields(block, HPACKDecoder()) == nil) }

  @Test("Table sizes at the beginning of a block are noted, and evict")
  func tableSizes() {
    let decoder = HPACKDecoder()
    #expect(fields("4001610162", decoder) == ["a: b"])
    #expect(fields("be", decoder) == ["a: b"])
    #expect(decoder.lastSize == -1)
    #expect(fields("20" + "3fe11f", decoder) == [])
    #expect(decoder.leastSize == 0)
    #expect(decoder.lastSize == 4096)
    #expect(fields("be", decoder) == nil)
  }

  @Test("Entries that are pushed out of the table are gone, others keep their order")
  func eviction() {
    let decoder = HPACKDecoder()
    // Each entry takes 34 bytes: three fit into 110.
    #expect(fields("3f4f", decoder) == [])
    for letter in 0x61...0x70 { #expect(fields("4001\(hex(letter))0178", decoder)?.count == 1) }
    #expect(fields("bebfc0", decoder) == ["p: x", "o: x", "n: x"])
    #expect(fields("c1", decoder) == nil)
  }

  /// Each byte would copy an entry of 4 KB.
  @Test("A block that takes the same entry again and again is refused")
  func copies() {
    let decoder = HPACKDecoder()
    let list = HeaderList()
    func decode(_ block: [UInt8]) -> Bool { block.withUnsafeBytes { decoder.decode($0, into: list) } }
    let entry: [UInt8] = [0x40, 1, 0x78, 0x7f, 0xa1, 0x1e] + [UInt8](repeating: 0x79, count: 4000)
    #expect(decode(entry))
    #expect(decode([UInt8](repeating: 0xbe, count: 30)) && list.isTooLong)
    #expect(!decode([UInt8](repeating: 0xbe, count: 300)))
  }

  @Test("A list above the limit is none, and the table stays right")
  func bomb() {
    let decoder = HPACKDecoder()
    let value = String(repeating: "61", count: 3000)
    // An entry of 3,000 bytes, and 200 references to it.
    let block = "400178" + "7f" + "b916" + value + String(repeating: "be", count: 200)
    let list = HeaderList()
    #expect(bytes(block).withUnsafeBytes { decoder.decode($0, into: list) })
    #expect(list.isTooLong)
    #expect(list.fields.isEmpty)
    #expect(fields("be", decoder)?.first?.count == 3003)
  }

  @Test("Any decoder reads the fields that the encoder wrote", arguments: 0..<50)
  func encoder(seed: Int) {
    var random = Random(seed)
    let sender = ModelEncoder()
    let decoder = HPACKDecoder()
    for _ in 0..<20 {
      var expected: [String] = []
      var secrets: [Bool] = []
      var block: [UInt8] = []
      for _ in 0..<random.below(12) {
        let name = random.pick([":method", ":path", "cookie", "x-\(random.below(5))", "content-type", "te"])
        let value = random.pick([
          "GET", "/", "", "v\(random.below(9))", String(repeating: "z", count: random.below(400)),
        ])
        let isSecret = random.below(4) == 0
        expected.append("\(name): \(value)")
        secrets.append(isSecret)
        block += sender.encode(name, value, isSecret: isSecret)
      }
      let list = HeaderList()
      #expect(block.withUnsafeBytes { decoder.decode($0, into: list) })
      #expect(texts(list) == expected)
      #expect(list.fields.map(\.isSecret) == secrets)
      let out = RawBytes()
      HPACKEncoder.encode(list, into: out)
      let again = HeaderList()
      #expect(HPACKDecoder().decode(out.all, into: again))
      #expect(texts(again) == expected)
      #expect(again.fields.map(\.isSecret) == secrets)
    }
  }

  @Test("Each symbol of the Huffman code", arguments: HuffmanSample.all)
  func huffman(sample: HuffmanSample) {
    let out = RawBytes()
    let coded = bytes(sample.coded)
    #expect(coded.withUnsafeBytes { Huffman.decode($0, into: out) } == sample.text.count)
    #expect(Array(out.all) == sample.text)
  }

  // MARK: Helpers

  private func fields(_ block: String, _ decoder: HPACKDecoder) -> [String]? {
    let list = HeaderList()
    guard bytes(block).withUnsafeBytes({ decoder.decode($0, into: list) }) else { return nil }
    return texts(list)
  }

  private func texts(_ list: HeaderList) -> [String] {
    list.fields.map {
      String(decoding: list.name($0), as: UTF8.self) + ": " + String(decoding: list.value($0), as: UTF8.self)
    }
  }

  private func hex(_ byte: Int) -> String { String(byte, radix: 16) }
}

/// Reads hexadecimal digits.
func bytes(_ hex: String) -> [UInt8] {
  var result: [UInt8] = []
  var digits = hex.utf8.makeIterator()
  func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : (digit | 32) - 87 }
  while let high = digits.next(), let low = digits.next() { result.append(value(high) << 4 | value(low)) }
  return result
}
