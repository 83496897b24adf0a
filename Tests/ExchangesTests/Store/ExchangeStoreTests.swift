import Testing

@testable import Exchanges

@Suite struct ExchangeStoreTests {
  private func place(_ service: String, way: Exchange.Way = .intercept) -> ObservedPlace {
    ObservedPlace(way: way, taker: .host, service: service, namespace: "shop", port: 80)
  }

  /// Passes a request and its answer.
  private func pass(_ store: ExchangeStore, _ service: String, _ path: String, body: String = "") {
    let place = place(service)
    let observer = ConnectionObserver(place, driver: StoreDriver(store, place))
    func bytes(_ text: String, _ see: (UnsafeRawBufferPointer) -> Void) { Array(text.utf8).withUnsafeBytes(see) }
    bytes("GET \(path) HTTP/1.1\r\nHost: u\r\n\r\n") { observer.fromClient($0, now: 1) }
    bytes("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)") { observer.fromServer($0, now: 2) }
  }

  private func targets(_ store: ExchangeStore) -> [String] { store.all.map { $0.exchange().request.target } }

  @Test func theLastOfEachPlaceAreKept() {
    let store = ExchangeStore()
    store.keep(2)
    for number in 1...5 {
      pass(store, "a", "/a\(number)")
      if number < 3 { pass(store, "b", "/b\(number)") }
    }
    #expect(targets(store) == ["/b1", "/b2", "/a4", "/a5"])
    store.keep(1)
    #expect(targets(store) == ["/b2", "/a5"])
    store.keep(0)
    pass(store, "a", "/a6")
    #expect(targets(store) == ["/b2", "/a6"])
  }

  @Test func manyPassWithoutGrowth() {
    let store = ExchangeStore()
    store.keep(3)
    for number in 0..<1000 { pass(store, "a", "/\(number)") }
    #expect(targets(store) == ["/997", "/998", "/999"])
  }

  @Test func theOldestGoesFirstIfHeadsTakeTooMuch() {
    var limits = ExchangeStore.Limits()
    limits.heads = 1200
    let store = ExchangeStore(limits)
    for number in 1...4 { pass(store, number == 1 ? "a" : "b", "/\(number)") }
    #expect(targets(store) == ["/2", "/3", "/4"])
  }

  @Test("Connections whose requests get no answer cannot fill the memory: they are not followed any more")
  func headsUnderWayAreBounded() {
    var limits = ExchangeStore.Limits()
    limits.openHeads = 10_000
    let store = ExchangeStore(limits)
    let place = place("a")
    let head = Array(("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 900) + "\r\n\r\n").utf8)
    let observers = (0..<100).map { _ in ConnectionObserver(place, driver: StoreDriver(store, place)) }
    for observer in observers { head.withUnsafeBytes { observer.fromClient($0, now: 1) } }
    #expect(store.all.count == 10_000 / head.count)
    #expect(observers.count { $0.isFollowing } == 10_000 / head.count)
    for observer in observers { observer.closed("the connection ended", now: 2) }
    let next = ConnectionObserver(place, driver: StoreDriver(store, place))
    head.withUnsafeBytes { next.fromClient($0, now: 3) }
    #expect(next.isFollowing, "those that have ended make room")
  }

  @Test func aNewPlaceReplacesTheSilentOne() {
    var limits = ExchangeStore.Limits()
    limits.places = 2
    let store = ExchangeStore(limits)
    for service in ["a", "b", "a", "c"] { pass(store, service, "/\(service)") }
    #expect(targets(store) == ["/a", "/a", "/c"])
  }

  @Test func bodiesAreKeptWhileSomebodyWantsThem() {
    var limits = ExchangeStore.Limits()
    limits.bodies = 10
    let store = ExchangeStore(limits)
    func bodies() -> [String?] {
      store.all.map { $0.exchange().answer?.body.map { String(decoding: $0.bytes, as: UTF8.self) } }
    }
    pass(store, "a", "/", body: "before")
    let follower = store.follow(bodies: true, capacity: 9) { _ in true }
    pass(store, "a", "/", body: "one")
    pass(store, "b", "/", body: "two")
    #expect(bodies() == [nil, "one", "two"])
    // The oldest make room.
    pass(store, "a", "/", body: "three")
    #expect(bodies() == [nil, nil, "two", "three"])
    pass(store, "a", "/", body: "four and more than all")
    #expect(bodies() == [nil, nil, nil, nil, ""])
    store.stop(follower)
    store.stop(follower)
    pass(store, "a", "/", body: "after")
    #expect(bodies().last == .some(nil))
    #expect(!store.keepsBodies)
  }

  @Test func aFollowerGetsWhatItAsksForAndIsToldWhatItLost() async {
    let store = ExchangeStore()
    let follower = store.follow(bodies: false, capacity: 2) { $0.service == "a" }
    for number in 1...3 { pass(store, "a", "/\(number)") }
    pass(store, "b", "/4")
    for await _ in follower.signals { break }
    var (taken, lost) = follower.take(atMost: 1)
    #expect(taken.map { $0.exchange().request.target } == ["/1"] && lost == 1)
    (taken, lost) = follower.take(atMost: 9)
    #expect(taken.map { $0.exchange().request.target } == ["/2"] && lost == 0)
    store.stop(follower)
    pass(store, "a", "/5")
    #expect(follower.take(atMost: 9).exchanges.isEmpty)
  }

  @Test func anOpenExchangeIsSeen() {
    let store = ExchangeStore()
    let place = place("a")
    let observer = ConnectionObserver(place, driver: StoreDriver(store, place))
    Array("GET /slow HTTP/1.1\r\nHost: u\r\n\r\n".utf8).withUnsafeBytes { observer.fromClient($0, now: 1) }
    #expect(store.all.map(\.isOver) == [false])
    observer.closed("the connection ended", now: 3)
    #expect(store.all.map(\.isOver) == [true])
    #expect(store.connections.count(.http1, service: "a") == 1 && store.connections.count(.tls) == 0)
  }

  @Test(arguments: [
    ("10.96.0.7", "user:8080", "user", "shop"), ("10.96.0.7", "user.other:80", "user", "other"),
    ("10.96.0.7", "user.other.svc.cluster.local", "user", "other"), ("10.96.0.7", "", "10.96.0.7", "shop"),
    ("10.96.0.7", "10.96.0.7:80", "10.96.0.7", "shop"), ("fd00::1", "[fd00::1]:80", "fd00::1", "shop"),
    ("db.other.svc.cluster.local", "x", "db", "other"), ("10.96.0.7", "api.example.com", "api.example.com", ""),
  ]) func theServiceOfAShellsConnection(dialled: String, host: String, service: String, namespace: String) {
    let named = place(dialled, way: .shell).named(by: host)
    #expect(named == (service, namespace))
  }
}
