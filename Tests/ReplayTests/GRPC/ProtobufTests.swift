import Exchanges
import KubeObjects
import Testing

@testable import Replay

@Suite struct ProtobufTests {
  /// By Python's protobuf: message shop.User with strings, numbers, lists, a message within, and service shop.Users.
  static let file = Samples.bytes(
    "0a0a757365722e70726f746f120473686f702295010a0455736572120c0a046e616d65180120012809120b0a036167651802"
      + "20012811120c0a047461677318032003280912200a04686f6d6518042001280b32122e73686f702e557365722e4164647265"
      + "7373120c0a046e756d73180520032805120d0a0573636f7265180620012801120a0a026f6b1807200128081a190a07416464"
      + "72657373120e0a0673747265657418012001280932260a055573657273121d0a03476574120a2e73686f702e557365721a0a"
      + "2e73686f702e55736572620670726f746f33")
  static let message = Samples.bytes(
    "0a03416e6e10051a01611a016222060a0448696c6c2a0d01ac02ffffffffffffffffff0131000000000000f83f3801")

  @Test func aMessageHasItsNames() {
    var types = ProtobufTypes()
    types.add(file: Self.file)
    #expect(types.answers == ["/shop.Users/Get": ".shop.User"])
    #expect(
      ProtobufReader(types).read(Self.message, type: ".shop.User") == [
        "name": "Ann", "age": -3, "tags": ["a", "b"], "home": ["street": "Hill"], "nums": [1, 300, -1], "score": 1.5,
        "ok": true,
      ])
  }

  @Test func withoutTypesItHasNumbers() {
    let value = ProtobufReader.untyped(Self.message)
    #expect(value["1"] == "Ann")
    #expect(value["2"] == 5)
    #expect(value["3"] == ["a", "b"])
    #expect(value["4"] == ["1": "Hill"])
  }

  @Test(arguments: [[0xFF], [0x0A, 0x7F, 1], [0x00, 0x01], [0x0B]] as [[UInt8]])
  func bytesThatAreNoMessage(bytes: [UInt8]) {
    #expect(ProtobufReader.untyped(bytes).stringValue?.hasPrefix("0x") == true)
    var types = ProtobufTypes()
    types.add(file: bytes)
    #expect(types == ProtobufTypes())
  }

  @Test func anyBytesAreRead() {
    for index in Self.file.indices {
      for change: UInt8 in [1, 0x7F, 0xFF] {
        var (file, message) = (Self.file, Self.message)
        file[index] ^= change
        if message.indices.contains(index) { message[index] ^= change }
        var types = ProtobufTypes()
        types.add(file: file)
        _ = ProtobufReader(types).read(message, type: ".shop.User")
      }
    }
  }

  @Test func deepNestingEnds() {
    var message: [UInt8] = [8, 1]
    for _ in 0..<60 { message = [0x0A] + [UInt8(message.count)] + message }
    #expect(ProtobufReader.untyped(message).objectValue != nil)
  }

  /// Time in proportion to the square of their number would be hours.
  @Test("A field that comes very often is read", .timeLimit(.minutes(1)))
  func manyOfAField() {
    let message = Array(repeating: [8, 1] as [UInt8], count: 400_000).flatMap(\.self)
    #expect(ProtobufReader.untyped(message)["1"]?.arrayValue?.count == 400_000)
    var types = ProtobufTypes()
    types.add(file: Self.file)
    let tags = Array(repeating: [0x1a, 1, 0x61] as [UInt8], count: 400_000).flatMap(\.self)
    #expect(ProtobufReader(types).read(tags, type: ".shop.User")["tags"]?.arrayValue?.count == 400_000)
  }
}
