import Testing

@testable import ShellHelper

/// The bytes that the kernel reads, written out by hand from the headers in linux/ (little-endian machines).
struct NetlinkBatchTests {
  @Test("An address")
  func address() throws {
    var batch = NetlinkBatch()
    batch.addAddress(try #require(IPv4Address("198.18.0.2")))
    #expect(
      batch.bytes == [
        40, 0, 0, 0, 20, 0, 0x05, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,  // nlmsghdr: RTM_NEWADDR, REQUEST ACK EXCL CREATE
        2, 32, 0, 0, 1, 0, 0, 0,  // ifaddrmsg
        8, 0, 2, 0, 198, 18, 0, 2, 8, 0, 1, 0, 198, 18, 0, 2,
      ])
  }

  @Test("The route that makes every address local")
  func route() throws {
    var batch = NetlinkBatch()
    batch.addLocalDefaultRoute(source: try #require(IPv4Address("198.18.0.2")))
    #expect(
      batch.bytes == [
        44, 0, 0, 0, 24, 0, 0x05, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,  // RTM_NEWROUTE
        2, 0, 0, 0, 254, 4, 254, 2, 0, 0, 0, 0,  // rtmsg: AF_INET, /0, table main, static, host, local
        8, 0, 4, 0, 1, 0, 0, 0, 8, 0, 7, 0, 198, 18, 0, 2,
      ])
  }

  @Test("A rule: TCP goes to the transparent port")
  func rule() {
    var batch = NetlinkBatch()
    batch.addRule(.init(table: "t", name: "c"), "TCP", [.meta(16), .equal([6]), .tproxy(port: 1), .verdict(.accept)])
    let meta: [UInt8] =
      [36, 0, 1, 0x80, 9, 0, 1, 0] + Array("meta".utf8) + [
        0, 0, 0, 0, 20, 0, 2, 0x80, 8, 0, 2, 0, 0, 0, 0, 16, 8, 0, 1, 0, 0, 0, 0, 1,
      ]
    let cmp: [UInt8] =
      [44, 0, 1, 0x80, 8, 0, 1, 0] + Array("cmp".utf8) + [
        0, 32, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 1, 8, 0, 2, 0, 0, 0, 0, 0,
      ]
      + [12, 0, 3, 0x80, 5, 0, 1, 0, 6, 0, 0, 0]
    let port: [UInt8] =
      [44, 0, 1, 0x80, 14, 0, 1, 0] + Array("immediate".utf8) + [
        0, 0, 0, 24, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 1, 12, 0, 2, 0x80, 6, 0, 1, 0, 0, 1, 0, 0,
      ]
    let tproxy: [UInt8] =
      [36, 0, 1, 0x80, 11, 0, 1, 0] + Array("tproxy".utf8) + [
        0, 0, 20, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 0, 8, 0, 3, 0, 0, 0, 0, 1,
      ]
    let accept: [UInt8] =
      [48, 0, 1, 0x80, 14, 0, 1, 0] + Array("immediate".utf8) + [0, 0, 0, 28, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 0]
      + [16, 0, 2, 0x80, 12, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 1]
    let expressions = meta + cmp + port + tproxy + accept
    #expect(Array(batch.bytes.suffix(expressions.count)) == expressions)
    #expect(
      Array(batch.bytes.prefix(40))
        == [
          // NFT_MSG_NEWRULE, REQUEST ACK CREATE APPEND
          UInt8(40 + expressions.count), 0, 0, 0, 6, 10, 0x05, 0x0C, 1, 0, 0, 0, 0, 0, 0, 0,
          1, 0, 0, 0, 6, 0, 1, 0, 0x74, 0, 0, 0, 6, 0, 2, 0, 0x63, 0, 0, 0,  // inet, table t, chain c
          UInt8(4 + expressions.count), 0, 4, 0x80,
        ].map { UInt8(truncatingIfNeeded: $0) })
  }

  @Test("A transaction begins and ends as nfnetlink wants, and counts its acknowledgements")
  func transaction() {
    var batch = NetlinkBatch()
    batch.transaction { $0.addTable("t", flags: 2) }
    #expect(Array(batch.bytes.prefix(20)) == [20, 0, 0, 0, 16, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10])
    #expect(Array(batch.bytes.suffix(20)) == [20, 0, 0, 0, 17, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10])
    #expect(batch.acknowledgements == 1)
    #expect(batch.purposes[1] == "make the nftables table t")
  }

  @Test("Answers: an error by its request, an acknowledgement, and bytes that are neither")
  func answers() {
    let error: [UInt8] =
      [36, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255] + [UInt8](repeating: 0, count: 16)
    let acknowledgement: [UInt8] =
      [36, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
    let answers = NetlinkSocket.answers((error + acknowledgement)[...])
    #expect(answers.map(\.sequence) == [3, 4])
    #expect(answers.map(\.errno) == [2, 0])
    #expect(NetlinkSocket.answers([5, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]).isEmpty)
    #expect(NetlinkSocket.answers(error.prefix(19)).isEmpty)
  }

  @Test("Without a rule that drops at the end, a shell would answer in the cluster's name")
  func lastRule() {
    let rules = ShellRules(address: IPv4Address(value: 0xC612_0002), dns: [], hostPorts: [])
    #expect(rules.requests.purposes.dropLast().last == "add the nftables rule: drop the rest")
    #expect(rules.requests.purposes.filter { $0.contains("DNS") }.isEmpty)
  }
}
