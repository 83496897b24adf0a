import Testing

@testable import TunnelProtocol

/// Two ends driven against each other through byte arrays.
private final class Pair {
  let client: YamuxSession
  let server: YamuxSession
  var now: UInt64 = 1_000_000

  init(pool: Int = 48 << 20, maximumStreams: Int = 100) {
    client = YamuxSession(role: .client, pool: WindowPool(limit: pool), now: 0)
    server = YamuxSession(role: .server, pool: WindowPool(limit: pool), maximumStreams: maximumStreams, now: 0)
  }

  /// All control frames that one end has.
  func control(of end: YamuxSession, capacity: Int = 4096) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: capacity)
    let count = buffer.withUnsafeMutableBytes { end.writeControl(to: $0.baseAddress!, capacity: capacity, now: now) }
    return Array(buffer[..<count])
  }

  func data(_ end: YamuxSession, _ slot: Int, _ payload: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: FrameHeader.size)
    frame.withUnsafeMutableBytes { end.writeDataHeader(slot, count: payload.count, to: $0.baseAddress!) }
    return frame + payload
  }

  /// Feeds bytes in pieces of `step`; events as text, data gathered by slot.
  func feed(_ end: YamuxSession, _ bytes: [UInt8], step: Int = .max) -> [String] {
    var told: [String] = []
    var gathered: [Int: [UInt8]] = [:]
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(step))
      rest = rest.dropFirst(piece.count)
      piece.withUnsafeBytes { raw in
        var input = raw
        while let event = end.next(&input, now: now) {
          switch event {
          case .opened(let slot): told.append("opened \(slot)")
          case .data(let slot, let bytes): gathered[slot, default: []] += Array(bytes)
          case .finished(let slot): told.append("finished \(slot)")
          case .reset(let slot): told.append("reset \(slot)")
          case .credit(let slot): told.append("credit \(slot)")
          case .goAway(let code): told.append("goAway \(code)")
          case .failed(let violation): told.append("failed \(violation)")
          }
        }
      }
    }
    for (slot, bytes) in gathered.sorted(by: { $0.key < $1.key }) {
      told.append("data \(slot): \(String(decoding: bytes, as: UTF8.self))")
    }
    return told
  }
}

@Suite struct YamuxSessionTests {
  @Test(arguments: [1, 5, 12, Int.max]) func opensCarriesAndEndsAStream(step: Int) throws {
    let pair = Pair()
    let slot = try #require(pair.client.open(now: 0))
    let bytes = pair.data(pair.client, slot, Array("hello".utf8))
    #expect(bytes[3] == 1, "SYN rides on the data")
    #expect(pair.feed(pair.server, bytes, step: step) == ["opened 0", "data 0: hello"])
    pair.client.finish(slot)
    #expect(pair.feed(pair.server, pair.control(of: pair.client), step: step) == ["finished 0"])
    let answer = pair.data(pair.server, 0, Array("bye".utf8))
    #expect(answer[3] == 2, "ACK rides on the first answer")
    #expect(pair.feed(pair.client, answer, step: step) == ["data \(slot): bye"])
    pair.server.finish(0)
    #expect(pair.control(of: pair.server).isEmpty, "a FIN that answers one waits for company")
    pair.server.releaseDeferred()
    #expect(pair.feed(pair.client, pair.control(of: pair.server), step: step) == ["finished \(slot)"])
    pair.client.release(slot)
    pair.server.release(0)
    #expect(pair.client.streamCount == 0 && pair.server.streamCount == 0)
    #expect(pair.control(of: pair.client).isEmpty && pair.control(of: pair.server).isEmpty)
  }

  @Test func acknowledgesByItselfWhenNoAnswerDoes() throws {
    let pair = Pair()
    let slot = try #require(pair.client.open(now: 0))
    _ = pair.feed(pair.server, pair.data(pair.client, slot, [1]))
    #expect(pair.control(of: pair.server).isEmpty, "an answer may come yet")
    #expect(pair.server.hasDeferred)
    pair.server.releaseDeferred()
    #expect(pair.control(of: pair.server) == [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0])
    #expect(!pair.server.hasDeferred)
    for _ in 0..<64 { _ = pair.feed(pair.server, pair.data(pair.client, try #require(pair.client.open(now: 0)), [1])) }
    #expect(pair.control(of: pair.server).count == 64 * 12, "many do not wait")
  }

  @Test func givesCreditBackAndGrowsTheWindow() throws {
    let pair = Pair()
    pair.client.ping(now: pair.now)
    _ = pair.feed(pair.server, pair.control(of: pair.client))
    pair.now += 20_000
    _ = pair.feed(pair.client, pair.control(of: pair.server))
    #expect(pair.client.roundTrip == 20_000)

    let slot = try #require(pair.server.open(now: pair.now))
    let payload = [UInt8](repeating: 7, count: 200 << 10)
    _ = pair.feed(pair.client, pair.data(pair.server, slot, payload))
    #expect(pair.server.sendCredit(slot) == (256 - 200) << 10)
    pair.client.consume(0, payload.count, now: pair.now)
    let update = pair.control(of: pair.client)
    // Used up within two round trips: the window doubles on top of what was consumed.
    #expect(pair.feed(pair.server, update).isEmpty)
    #expect(pair.server.sendCredit(slot) == 512 << 10)
    #expect(pair.client.pool.used == 256 << 10)
    pair.client.release(0)
    #expect(pair.client.pool.used == 0)
  }

  @Test func growsOnlyOutOfThePool() throws {
    let pair = Pair(pool: 100 << 10)
    let slot = try #require(pair.server.open(now: 0))
    _ = pair.feed(pair.client, pair.data(pair.server, slot, [UInt8](repeating: 0, count: 256 << 10)))
    #expect(pair.server.sendCredit(slot) == 0)
    pair.client.consume(0, 256 << 10, now: pair.now)
    #expect(pair.feed(pair.server, pair.control(of: pair.client)) == ["credit \(slot)"])
    #expect(pair.server.sendCredit(slot) == 256 << 10)
  }

  @Test func aPeerThatIgnoresTheWindowEndsTheSession() throws {
    let pair = Pair()
    _ = try #require(pair.client.open(now: 0))
    var frame = [UInt8](repeating: 0, count: 12)
    frame.withUnsafeMutableBytes {
      FrameHeader(.data, flags: .syn, stream: 1, length: 300 << 10).write(to: $0.baseAddress!)
    }
    #expect(pair.feed(pair.server, frame) == ["failed windowExceeded"])
    let farewell = pair.control(of: pair.server)
    #expect(farewell.suffix(12) == [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "a go-away follows")
  }

  @Test(
    arguments: [
      ([9, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], "failed malformedHeader"),
      ([0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], "failed malformedHeader"),
      ([0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0], "failed wrongStreamNumber"),
      ([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], "failed wrongStreamNumber"),
    ] as [([UInt8], String)]) func refusesWhatYamuxDoesNotKnow(bytes: [UInt8], expected: String)
  {
    let pair = Pair()
    #expect(pair.feed(pair.server, bytes) == [expected])
    #expect(pair.feed(pair.server, bytes).isEmpty, "nothing is taken after that")
  }

  @Test func refusesAStreamOpenedTwice() throws {
    let pair = Pair()
    let syn: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    #expect(pair.feed(pair.server, syn + syn) == ["opened 0", "failed streamOpenedTwice"])
  }

  @Test func resetsWhatIsTooMany() throws {
    let pair = Pair(maximumStreams: 1)
    let first: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    let second: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 65, 66]
    #expect(pair.feed(pair.server, first + second) == ["opened 0"])
    let answer = pair.control(of: pair.server)
    #expect(answer.prefix(12) == [0, 1, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0])
  }

  @Test func releasingAnOpenStreamResetsIt() throws {
    let pair = Pair()
    let slot = try #require(pair.client.open(now: 0))
    _ = pair.feed(pair.server, pair.data(pair.client, slot, [1]))
    pair.client.release(slot)
    #expect(pair.feed(pair.server, pair.control(of: pair.client)) == ["reset 0"])
    pair.server.release(0)
    #expect(pair.control(of: pair.server).isEmpty)
    #expect(pair.server.streamCount == 0)
    // Data that was under way to the released stream is taken and dropped.
    let other = try #require(pair.client.open(now: 0))
    #expect(pair.feed(pair.server, pair.data(pair.client, other, [2])).count == 2)
  }

  @Test func theRestOfAFrameNeverReachesTheSlotsNextStream() throws {
    let pair = Pair()
    let slot = try #require(pair.client.open(now: 0))
    let frame = pair.data(pair.client, slot, Array("first half, second half".utf8))
    #expect(pair.feed(pair.server, Array(frame.prefix(12 + 11))) == ["opened 0", "data 0: first half,"])
    // The stream is reset and gone before its frame has arrived in full; another one takes its slot.
    pair.server.release(0)
    _ = pair.control(of: pair.server)
    #expect(pair.server.open(now: 0) == 0)
    #expect(pair.feed(pair.server, Array(frame.dropFirst(12 + 11))).isEmpty)
  }

  @Test func aStreamThatEndsWithAnUpdateDueGivesItsWindowBack() throws {
    let pair = Pair()
    let slot = try #require(pair.client.open(now: pair.now))
    _ = pair.feed(pair.server, pair.data(pair.client, slot, [UInt8](repeating: 0, count: 200 << 10)))
    pair.server.consume(0, 200 << 10, now: pair.now)
    pair.client.finish(slot)
    _ = pair.feed(pair.server, pair.control(of: pair.client))
    pair.server.finish(0)
    pair.server.release(0)
    #expect(pair.feed(pair.client, pair.control(of: pair.server)) == ["finished \(slot)"])
    #expect(pair.server.pool.used == 0)
    #expect(pair.server.streamCount == 0)
  }

  @Test func aFloodOfStreamsThatNobodyTakesEndsTheSession() {
    let pair = Pair(maximumStreams: 2)
    let told = (0..<6).flatMap { pair.feed(pair.server, [0, 1, 0, 1, 0, 0, 0, UInt8($0 * 2 + 1), 0, 0, 0, 0]) }
    #expect(told == ["opened 0", "opened 1", "failed tooManyStreams"])
  }

  @Test func streamsThatComeAndGoUnansweredDoNotQueueUp() {
    let pair = Pair(maximumStreams: 10)
    for id in stride(from: UInt8(1), to: 30, by: 2) {
      _ = pair.feed(pair.server, [0, 1, 0, 1, 0, 0, 0, id, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, id, 0, 0, 0, 0])
      for slot in pair.server.streams.indices { pair.server.release(slot) }
    }
    #expect(pair.server.queue.count <= 10, "a stream waits in the queue once, and counts while it does")
    _ = pair.control(of: pair.server)
    #expect(pair.server.streamCount == 0)
  }

  @Test func aPingFloodEndsTheSession() {
    let pair = Pair()
    let ping: [UInt8] = [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    let told = pair.feed(pair.server, Array(repeating: ping, count: 300).flatMap { $0 })
    #expect(told == ["failed tooManyPings"])
  }

  @Test func randomBytesNeverTrap() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let pair = Pair()
      let bytes = (0..<64).map { index in
        // Headers that look valid reach further than noise does.
        index % 12 == 0
          ? 0
          : index % 12 == 1 ? UInt8.random(in: 0...3, using: &generator) : UInt8.random(in: 0...9, using: &generator)
      }
      _ = pair.feed(pair.server, bytes, step: Int.random(in: 1...20, using: &generator))
      _ = pair.control(of: pair.server)
    }
  }
}
