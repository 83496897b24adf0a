import TestSupport
import Testing

@testable import Outbound

@Suite struct DNSMessageTests {
  @Test func namesAreReadAndWritten() throws {
    #expect(try DNSName(parsing: "User.Shop.svc.cluster.local.").description == "user.shop.svc.cluster.local")
    #expect(DNSName("a.b")?.wire == [1, 0x61, 1, 0x62, 0])
    #expect(DNSName("")?.description == ".")
    #expect(DNSName(lowercasing: [3, 0x61, 0x2e, 0x07, 0]).description == "a\\.\\007")
    for bad in [
      "a..b", ".", "..", String(repeating: "x", count: 64),
      Array(repeating: "abcdefg", count: 32).joined(separator: "."), "a b",
    ] where bad != "." {
      #expect(throws: OutboundError.self) { try DNSName(parsing: bad) }
    }
  }

  @Test func suffixesMatchWholeLabels() {
    let suffix = DNSName("cluster.local")!
    #expect(DNSName("a.cluster.local")!.isWithin(suffix))
    #expect(suffix.isWithin(suffix))
    #expect(!DNSName("mycluster.local")!.isWithin(suffix))
    #expect(!DNSName("local")!.isWithin(suffix))
    // The label is of 0x0e bytes, which end like the suffix.
    #expect(
      !DNSName(lowercasing: [0x0e] + [7] + Array("cluster".utf8) + [5] + Array("local".utf8) + [0]).isWithin(suffix))
  }

  @Test func compressionIsFollowedBackOnly() {
    var message = Messages.answer(Messages.query("a.b"), [Messages.record(type: 1, ttl: 1, [1, 2, 3, 4])])
    #expect(DNSMessage(message)?.records.count == 1)
    #expect(DNSMessage.name(message, Messages.questionEnd(message)) == Messages.name("a.b"))
    let pointer = Messages.questionEnd(message)
    message[pointer + 1] = UInt8(pointer)
    #expect(DNSMessage(message) == nil, "a pointer to itself")
    message[pointer + 1] = UInt8(pointer + 4)
    #expect(DNSMessage(message) == nil, "a pointer forwards")
  }

  @Test func everyTruncationIsRefused() {
    let message = Messages.answer(
      Messages.query("user.shop.svc.cluster.local"), [Messages.record(type: 1, ttl: 1, [1, 2, 3, 4])], opt: true)
    #expect(DNSMessage(message) != nil)
    for length in 0..<message.count { #expect(DNSMessage(Array(message[..<length])) == nil) }
  }

  @Test func garbageNeverTraps() {
    var chance = SeededGenerator(seed: 20_260_713)
    let query = Messages.query("user.shop.svc.cluster.local", edns: 1232)
    let seeds = [
      query, Messages.a(query, [10, 0, 0, 1], opt: true), Messages.noSuchName(query),
      Messages.answer(
        query,
        [
          Messages.record(type: 33, ttl: 1, [0, 0, 0, 0, 0, 80, 0xc0, 17]),
          Messages.record(type: 15, ttl: 1, [0, 1, 0xc0, 12]),
        ], opt: true),
      Messages.answer(
        query,
        [
          Messages.record(type: 5, ttl: 1, [1, 0x61, 0xc0, 12]),
          Messages.record(type: 28, ttl: 1, [UInt8](repeating: 1, count: 16)),
        ]),
    ]
    var read = 0
    for round in 0..<60_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 1...6, using: &chance) {
        switch Int.random(in: 0..<4, using: &chance) {
        case 0 where !bytes.isEmpty:
          bytes[Int.random(in: 0..<bytes.count, using: &chance)] = .random(in: 0...255, using: &chance)
        case 1 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 1...min(8, bytes.count), using: &chance))
        case 2: bytes += (0..<Int.random(in: 1...8, using: &chance)).map { _ in .random(in: 0...255, using: &chance) }
        case 3 where bytes.count > 1:
          bytes[Int.random(in: 0..<bytes.count, using: &chance)] = [0xc0, 0xff, 0, 63, 64].randomElement(
            using: &chance)!
        default: break
        }
      }
      if let asked = try? DNSQuery(bytes) {
        read += 1
        _ = asked.upstream(id: 1)
        _ = asked.key.name.description
        _ = asked.answer(rcode: 2)
      }
      guard let message = DNSMessage(bytes), let question = message.question else { continue }
      let asker = DNSQuery(
        id: 7, question: question, flags: 0, edns: .init(payloadSize: 1232, extendedRcode: 0, dnssecOK: false))
      if let renamed = message.renamed(to: Messages.name("1.shop.svc.cluster.local")) {
        #expect(renamed.records.count == message.records.count)
      }
      if let answer = DNSAnswer(message, to: question, now: 0) {
        let out = answer.message(for: asker, limit: 65_535, now: 5_000_000).bytes
        #expect(DNSMessage(out)?.id == 7)
      }
    }
    #expect(read > 1_000, "the fuzzer reaches what lies behind the parser")
  }

  @Test func ttlsGrowOlder() throws {
    let query = Messages.query("a.cluster.local")
    let message = try #require(DNSMessage(Messages.a(query, [10, 0, 0, 1], ttl: 30, opt: true)))
    let asker = try DNSQuery(Messages.query("A.Cluster.LOCAL", id: 99))
    let answer = try #require(DNSAnswer(message, to: asker.question, now: 1_000_000))
    #expect(answer.lifetime == 30)
    let out = answer.message(for: asker, limit: 512, now: 11_500_000).bytes
    let read = try #require(DNSMessage(out))
    #expect(read.id == 99)
    #expect(read.records[0].ttl == 20)
    #expect(read.edns == nil, "the client sent none")
    #expect(read.question?.rawName == Messages.name("A.Cluster.LOCAL"), "the client's own spelling comes back")
    #expect(answer.isFresh(30_900_000) && !answer.isFresh(31_000_000))
  }

  @Test func whatIsNotThereIsKeptByTheSOA() throws {
    let query = Messages.query("a.cluster.local")
    func lifetime(_ bytes: [UInt8]) throws -> UInt32? {
      DNSAnswer(try #require(DNSMessage(bytes)), to: try DNSQuery(query).question, now: 0)?.lifetime
    }
    #expect(try lifetime(Messages.noSuchName(query, ttl: 60, minimum: 5)) == 5)
    #expect(try lifetime(Messages.noSuchName(query, ttl: 3, minimum: 5)) == 3)
    #expect(try lifetime(Messages.answer(query, rcode: 3)) == 0, "without SOA")
    #expect(try lifetime(Messages.answer(query, rcode: 2)) == 0, "a failure")
    #expect(try lifetime(Messages.answer(query, [Messages.record(type: 1, ttl: 0, [1, 2, 3, 4])])) == 0)
    #expect(
      try lifetime(Messages.answer(query, [Messages.record(type: 1, ttl: 30, [1, 2, 3, 4])], flags: 0x8380)) == 0, "cut"
    )
    #expect(try lifetime(Messages.answer(Messages.query("b.cluster.local"), [])) == nil, "another question's answer")
  }
}
