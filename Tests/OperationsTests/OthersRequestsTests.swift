import Agents
import ControlAPI
import Exchanges
import Foundation
import Intercept
import Synchronization
import Testing

@testable import Operations
@testable import TunnelProtocol

/// An agent that tells each open stream of a port its requests.
private final class TellingAgent: Sendable {
  typealias Take = WatchedIntercept.Take
  private struct State {
    var streams: [Int: Take] = [:]
    var last = 0
    /// Those who wait for a stream, while it is held back.
    var waiting: [CheckedContinuation<Void, Never>] = []
    var isHeld = false
  }
  private let state = Mutex(State())

  func hold() { state.withLock { $0.isHeld = true } }
  func release() {
    let all = state.withLock { state in
      state.isHeld = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in all { one.resume() }
  }

  var waiting: Int { state.withLock { $0.waiting.count } }
  var open: Int { state.withLock { $0.streams.count } }

  func open(_ take: @escaping Take) async -> RequestsWatching? {
    await withCheckedContinuation { continuation in
      let isHeld = state.withLock { state in
        if state.isHeld { state.waiting.append(continuation) }
        return state.isHeld
      }
      if !isHeld { continuation.resume() }
    }
    let number = state.withLock { state in
      state.last += 1
      state.streams[state.last] = take
      return state.last
    }
    return RequestsWatching(
      isOver: { [self] in state.withLock { $0.streams[number] == nil } },
      stop: { [self] in state.withLock { $0.streams[number] = nil } })
  }

  func tell(_ record: WatchedRecord) {
    for take in state.withLock({ Array($0.streams.values) }) { take([.record(record)]) }
  }
}

@Suite(.timeLimit(.minutes(1))) struct OthersRequestsTests {
  private let agent = TellingAgent()
  private let store = ExchangeStore()
  private final class Names: Sendable { let all = Mutex<[UInt64: String]>([2: "bob@desk"]) }
  private let names = Names()
  private let id = InterceptID(
    cluster: ClusterIdentity(uid: "a", server: "https://a"), namespace: "shop", service: "user")

  private var intercepts: [InterceptID: WatchedIntercept] {
    let intercept = WatchedIntercept(
      watch: { [agent] _, take in await agent.open(take) }, context: "a", namespace: "shop", service: "user",
      ports: [1080: 80], own: 1, names: { [names] in names.all.withLock { $0 } })
    return [id: intercept]
  }

  private func wait(until condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(5)) }
  }

  private func record(_ target: String, holder: UInt64 = 2) -> WatchedRecord {
    WatchedRecord(
      holder: holder, duration: 1000, up: 0, down: 0, status: 200, grpcStatus: 255, isHTTP2: false,
      method: Array("GET".utf8), target: Array(target.utf8))
  }

  @Test("A follower that ends and begins again while a stream is opened is told once")
  func beginsAgain() async throws {
    let others = OthersRequests(store)
    agent.hold()
    let all = intercepts
    await others.begin { all }
    try await wait { agent.waiting == 1 }
    await others.end()
    await others.begin { all }
    agent.release()
    try await wait { agent.open > 0 }
    // Time for a second stream, and the end of what is left of the first.
    try await Task.sleep(for: .milliseconds(100))
    try await wait { agent.open == 1 }
    agent.tell(record("/a"))
    try await wait { !store.all.isEmpty }
    #expect(store.all.count == 1)
    await others.end()
    try await wait { agent.open == 0 }
  }

  @Test("A report that no request can have is counted as lost")
  func lies() async throws {
    let others = OthersRequests(store)
    let follower = store.follow(bodies: false, capacity: 9) { _ in true }
    let all = intercepts
    await others.begin { all }
    try await wait { agent.open == 1 }
    agent.tell(record("/a HTTP/1.1\r\nCookie: x\r\n\r\n"))
    agent.tell(record("/b", holder: 1))
    agent.tell(record("/c"))
    try await wait { !store.all.isEmpty }
    let (taken, lost) = follower.take(atMost: 9)
    #expect(taken.map { $0.exchange().request.target } == ["/c"] && lost == 1)
    #expect(taken.first?.exchange().taker == .holder("bob@desk"))
    await others.end()
  }

  @Test("A person who comes while somebody follows is named")
  func comesLater() async throws {
    let others = OthersRequests(store)
    let all = intercepts
    await others.begin { all }
    try await wait { agent.open == 1 }
    for (count, holder) in [UInt64(2), 3, 3, 9].enumerated() {
      if holder == 3 { names.all.withLock { $0[3] = "cem@box" } }
      agent.tell(record("/\(count)", holder: holder))
      try await wait { store.all.count == count + 1 }
    }
    #expect(
      store.all.map { $0.exchange().taker }
        == ["bob@desk", "cem@box", "cem@box", "another person"].map { .holder($0) })
    await others.end()
  }
}
