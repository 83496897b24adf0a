import CLinux
import TestSupport
import Testing
import TunnelProtocol

@testable import Agent
@testable import Relay

/// A daemon's stream of a port's requests.
private final class Follower: StreamEnd {
  private var outbox: [UInt8]
  private(set) var status: StreamStatus?
  private(set) var records: [WatchedRecord] = []
  private(set) var isOver = false
  private var reader = WatchedRecordReader()

  init(_ session: Session, _ slot: Int, port: UInt16) {
    let preamble = Preamble(.exchanges, port: port)
    outbox = [UInt8](repeating: 0, count: preamble.size)
    outbox.withUnsafeMutableBytes { preamble.write(to: $0.baseAddress!) }
    super.init(session: session, slot: slot)
  }

  override func produce(into place: UnsafeMutableRawPointer, capacity: Int) -> Produced {
    let count = min(outbox.count, capacity)
    guard count > 0 else { return .nothing }
    outbox.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: count) }
    outbox.removeFirst(count)
    return .bytes(count, more: false)
  }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    session.consume(self, bytes.count)
    var rest = bytes
    if status == nil {
      status = StreamStatus(rawValue: bytes[0])
      rest = UnsafeRawBufferPointer(rebasing: bytes[1...])
    }
    for event in reader.take(rest) { if case .record(let record) = event { records.append(record) } }
  }

  override func finished() { stop() }
  override func wasReset() { stop() }
  override func sessionClosed() { stop() }

  func stop() {
    guard !isOver else { return }
    isOver = true
    loop.unregister(self)
    session.release(self)
  }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct ExchangesEndTests {
  private typealias Scene = SplitScene

  private func follow(_ split: SplitScene, _ person: Person) -> Follower? {
    let end = person.session.open { Follower(person.session, $0, port: split.port) } as? Follower
    #expect(split.loop.turn { end?.status != nil })
    return end
  }

  private var watchers: (InboundListener?) -> Int {
    { listener in
      var count = 0
      var each = listener?.watcher
      while let one = each {
        count += 1
        each = one.next
      }
      return count
    }
  }

  @Test("Each session that follows a port is told its requests, with their takers")
  func tells() throws {
    let split = SplitScene()
    let bob = Person(split.scene, 2)
    let one = try #require(follow(split, split.alice))
    let other = try #require(follow(split, bob))
    #expect(one.status == .connected && other.status == .connected)
    let client = split.scene.client()
    split.exchange(client, Scene.request("/a?b"), person: nil, "x")
    split.exchange(client, Scene.match("/c"), person: split.alice, "xyz")
    #expect(split.loop.turn { one.records.count == 2 && other.records.count == 2 })
    #expect(one.records.map { String(decoding: $0.target, as: UTF8.self) } == ["/a?b", "/c"])
    #expect(one.records.map(\.holder) == [0, 1] && one.records.map(\.down) == [1, 3])
    #expect(other.records.map(\.target) == one.records.map(\.target))
    client.close()
  }

  @Test("A session cannot open streams without end: one of a port tells it, the others are refused")
  func oneOfASession() throws {
    let split = SplitScene()
    let first = try #require(follow(split, split.alice))
    #expect(first.status == .connected)
    for _ in 0..<20 { #expect(follow(split, split.alice)?.status == .notServed) }
    let listener = split.agent.inbound.first
    #expect(watchers(listener) == 1)
    first.stop()
    #expect(split.loop.turn { self.watchers(listener) == 0 })
    #expect(follow(split, split.alice)?.status == .connected)
  }
}
