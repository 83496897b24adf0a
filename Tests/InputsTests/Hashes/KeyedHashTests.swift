import Inputs
import Testing

struct KeyedHashTests {
  @Test("Known values (RFC 4231)")
  func known() {
    #expect(
      KeyedHash(key: [UInt8](repeating: 0x0B, count: 20)).hash("Hi There")
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      KeyedHash(key: Array("Jefe".utf8)).hash("what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  @Test("Another key, another hash")
  func keys() { #expect(KeyedHash(key: [1]).hash("token") != KeyedHash(key: [2]).hash("token")) }
}
