import Testing

@testable import Replay

@Suite struct InflateTests {
  static let text = #"{"a": 1, "text": ""# + String(repeating: "hello world ", count: 20) + #""}"#
  /// By Python's gzip and zlib.
  static let gzip =
    "1f8b0800000000000203ab564a54b25230d451502a49ad2801329532527372f215caf38b72521446025ba916007a43894c04010000"
  static let zlib = "789cab564a54b25230d451502a49ad2801329532527372f215caf38b72521446025ba9160072a15ecc"

  @Test(arguments: [
    (gzip, text), (zlib, text), ("789c4b4c4a4e84210000000000", "abcabcabcabc"), ("7801010300fcff616263024d0127", "abc"),
  ])
  func unpacked(hex: String, text: String) {
    #expect(Inflate.unpack(Samples.bytes(hex)).map { String(decoding: $0, as: UTF8.self) } == text)
  }

  @Test func brokenBytesAreNone() {
    let whole = Samples.bytes(Self.gzip)
    for count in 0..<(whole.count - 8) { #expect(Inflate.unpack(Array(whole[..<count])) == nil) }
    for index in 10..<whole.count {
      var bytes = whole
      bytes[index] ^= 0xFF
      _ = Inflate.unpack(bytes)
    }
    #expect(Inflate.unpack(Array("plain text".utf8)) == nil)
  }
}
