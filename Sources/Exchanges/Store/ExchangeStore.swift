import Synchronization

/// The last exchanges of each Service or target, bounded in number and in bytes.
public final class ExchangeStore: Sendable {
  public struct Limits: Sendable {
    /// Exchanges of one place.
    public var keep = 200
    /// Places; a new one beyond replaces the one that was silent for longest.
    public var places = 256
    /// Heads of all kept exchanges, bytes.
    public var heads = 32 << 20
    /// Heads of exchanges under way, bytes.
    public var openHeads = 32 << 20
    /// Bodies that are kept or being read, bytes.
    public var bodies = 64 << 20

    public init() {}
  }

  /// More is not kept of a place.
  public static let mostKept = 10_000

  private let state: Mutex<State>
  private let lastID = Atomic<UInt64>(0)
  private let bodyFollowers = Atomic<Int>(0)

  public init(_ limits: Limits = Limits()) { state = Mutex(State(limits)) }

  // MARK: From the observers

  func nextID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

  /// True while somebody follows who wants bodies.
  public var keepsBodies: Bool { bodyFollowers.load(ordering: .relaxed) > 0 }

  func mayKeep(_ count: Int) -> Bool { state.withLock { $0.reserve(count) } }

  func mayHold(_ count: Int) -> Bool {
    state.withLock { state in
      guard count <= 0 || state.openHeads + count <= state.limits.openHeads else { return false }
      state.openHeads += count
      return true
    }
  }

  func isOf(_ kind: ConnectionKind, at place: ObservedPlace) {
    state.withLock { $0.count(SeenConnections.Key(place.way, place.service, kind)) }
  }

  func began(_ exchange: ObservedExchange) { state.withLock { $0.open[exchange.id] = exchange } }

  func ended(_ exchange: ObservedExchange) {
    state.withLock { state in
      state.open[exchange.id] = nil
      for follower in state.followers where follower.accepts(exchange.place) { follower.offer(exchange) }
      state.keep(exchange)
    }
  }

  /// Adds an exchange that somebody else has seen.
  public func add(_ exchange: ReportedExchange, at place: ObservedPlace) {
    ended(exchange.observed(nextID(), at: place))
  }

  /// Notes exchanges that were not told.
  public func lose(_ count: Int, at place: ObservedPlace) {
    state.withLock { for follower in $0.followers where follower.accepts(place) { follower.lose(count) } }
  }

  // MARK: For commands

  /// Sets the number of exchanges that are kept of each place from now on.
  public func keep(_ count: Int) {
    state.withLock { state in
      state.limits.keep = min(max(count, 1), Self.mostKept)
      state.trim()
    }
  }

  /// Returns the exchanges that are kept, and those that have not ended, in the order of the requests.
  public var all: [ObservedExchange] {
    state.withLock { state in
      (state.rings.values.flatMap(\.exchanges) + state.open.values).sorted { $0.id < $1.id }
    }
  }

  /// Returns the number of connections that were looked at, by their kind.
  public var connections: SeenConnections { state.withLock { SeenConnections(counts: $0.connections) } }

  /// Begins to report exchanges that end.
  /// - Parameters:
  ///   - capacity: the number that may wait.
  ///   - accepts: checks the place of an exchange.
  public func follow(bodies: Bool, capacity: Int, accepts: @escaping @Sendable (ObservedPlace) -> Bool)
    -> ExchangeFollower
  {
    let follower = ExchangeFollower(wantsBodies: bodies, capacity: capacity, accepts: accepts)
    if bodies { bodyFollowers.add(1, ordering: .relaxed) }
    state.withLock { $0.followers.append(follower) }
    return follower
  }

  public func stop(_ follower: ExchangeFollower) {
    let wasThere = state.withLock { state in
      let before = state.followers.count
      state.followers.removeAll { $0 === follower }
      return state.followers.count < before
    }
    if wasThere, follower.wantsBodies { bodyFollowers.subtract(1, ordering: .relaxed) }
  }
}

/// The connections that were looked at.
public struct SeenConnections: Sendable {
  struct Key: Hashable, Sendable {
    var way: Exchange.Way
    var service: String
    var kind: ConnectionKind

    init(_ way: Exchange.Way, _ service: String, _ kind: ConnectionKind) {
      self.way = way
      self.service = service
      self.kind = kind
    }
  }

  let counts: [Key: Int]

  /// Counts the connections of a kind.
  /// - Parameter service: nil: of all.
  public func count(_ kind: ConnectionKind, service: String? = nil) -> Int {
    counts.reduce(0) { $1.key.kind == kind && (service == nil || $1.key.service == service) ? $0 + $1.value : $0 }
  }
}

/// The store's contents.
private struct State {
  /// Bytes of heads of exchanges under way.
  var openHeads = 0
  struct Place: Hashable {
    var context: String
    var namespace: String
    var service: String
  }

  var limits: ExchangeStore.Limits
  var rings: [Place: ExchangeRing] = [:]
  var open: [UInt64: ObservedExchange] = [:]
  var followers: [ExchangeFollower] = []
  var connections: [SeenConnections.Key: Int] = [:]
  private var headBytes = 0
  private var bodyBytes = 0
  private static let mostCounters = 4096

  init(_ limits: ExchangeStore.Limits) { self.limits = limits }

  mutating func count(_ key: SeenConnections.Key) {
    guard connections.count < Self.mostCounters || connections[key] != nil else { return }
    connections[key, default: 0] += 1
  }

  mutating func keep(_ exchange: ObservedExchange) {
    let ring = ring(
      Place(context: exchange.place.context, namespace: exchange.place.namespace, service: exchange.place.service))
    headBytes += exchange.headBytes
    ring.append(exchange)
    while ring.count > limits.keep { drop(ring) }
    while headBytes > limits.heads, let oldest = oldest(where: { $0.count > 0 }) { drop(oldest) }
  }

  mutating func trim() {
    for ring in rings.values { while ring.count > limits.keep { drop(ring) } }
  }

  /// Reserves bytes for a body; older bodies make room.
  mutating func reserve(_ count: Int) -> Bool {
    while bodyBytes + count > limits.bodies {
      guard let ring = oldest(where: { $0.bodyBytes > 0 }) else { return false }
      bodyBytes -= ring.dropBody()
    }
    bodyBytes += count
    return true
  }

  private mutating func ring(_ place: Place) -> ExchangeRing {
    if let ring = rings[place] { return ring }
    if rings.count >= limits.places, let silent = rings.min(by: { $0.value.last < $1.value.last }) {
      while silent.value.count > 0 { drop(silent.value) }
      rings[silent.key] = nil
    }
    let ring = ExchangeRing()
    rings[place] = ring
    return ring
  }

  private func oldest(where body: (ExchangeRing) -> Bool) -> ExchangeRing? {
    rings.values.filter(body).min { $0.first < $1.first }
  }

  private mutating func drop(_ ring: ExchangeRing) {
    let (heads, bodies) = ring.dropFirst()
    headBytes -= heads
    bodyBytes -= bodies
  }
}
