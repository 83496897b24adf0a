import Testing

@testable import Bastion

@Suite struct HostNameHashTests {
  private func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

  @Test func sha1OfRFC3174() {
    #expect(hex(HostNameHash.sha1(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(
      hex(HostNameHash.sha1(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    #expect(hex(HostNameHash.sha1([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  }

  @Test func hmacOfRFC2202() {
    #expect(
      hex(HostNameHash.authenticate(Array("Hi There".utf8), key: [UInt8](repeating: 0x0b, count: 20)))
        == "b617318655057264e28bc0b6fb378c8ef146be00")
    #expect(
      hex(HostNameHash.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
        == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
  }

  @Test func eachTextHasASaltOfItsOwn() {
    let (one, two) = (HostNameHash.text("host"), HostNameHash.text("host"))
    #expect(one != two && one.hasPrefix("|1|") && one.split(separator: "|").count == 3)
  }
}
