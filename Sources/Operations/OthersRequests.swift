import Agents
import ControlAPI
import Exchanges
import Intercept
import Synchronization
import TunnelProtocol

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Fills the store with the requests that intercepts with rules left to others, while somebody follows.
actor OthersRequests {
  private struct Key: Hashable {
    var id: InterceptID
    var port: UInt16
  }

  private let store: ExchangeStore
  private var users = 0
  /// Rises when nobody follows any more: streams that are opened for a former number end.
  private var round = 0
  private var task: Task<Void, Never>?
  private var watches: [Key: RequestsWatching] = [:]
  private static let pause = Duration.seconds(1)

  init(_ store: ExchangeStore) { self.store = store }

  /// - Parameter intercepts: returns those of the moment.
  func begin(_ intercepts: @escaping @Sendable () async -> [InterceptID: WatchedIntercept]) {
    users += 1
    guard users == 1 else { return }
    let (round, former) = (round, task)
    task = Task {
      // An agent tells a session by one stream.
      await former?.value
      while round == self.round {
        await look(intercepts(), round)
        try? await Task.sleep(for: Self.pause)
      }
    }
  }

  func end() {
    users -= 1
    guard users == 0 else { return }
    round += 1
    task?.cancel()
    for watch in watches.values { watch.stop() }
    watches = [:]
  }

  /// Opens the streams that are missing, such as those of a new intercept or after a reconnection.
  private func look(_ intercepts: [InterceptID: WatchedIntercept], _ round: Int) async {
    for (id, intercept) in intercepts {
      for (port, podPort) in intercept.ports {
        let key = Key(id: id, port: port)
        if let watch = watches[key], await !watch.isOver() { continue }
        guard round == self.round else { return }
        let places = OthersPlaces(intercept, port: podPort)
        let watch = await intercept.watch(port) { [store] in places.take($0, into: store) }
        // Others may follow by now, by streams of their own.
        guard round == self.round else {
          watch?.stop()
          return
        }
        watches[key] = watch
      }
    }
  }
}

/// The takers of one port's requests.
private final class OthersPlaces: Sendable {
  private let origin: ObservedPlace
  private let own: UInt64
  private let names: @Sendable () async -> [UInt64: String]
  private let place: @Sendable (Exchange.Taker) -> ObservedPlace

  private struct State {
    var others: [UInt64: ObservedPlace] = [:]
    /// Requests of holders whose names are being read.
    var held: [(exchange: ReportedExchange, holder: UInt64)] = []
    var isReading = false
  }
  private let state = Mutex(State())
  private static let mostHeld = 1000

  init(_ intercept: WatchedIntercept, port: UInt16) {
    place = { taker in
      ObservedPlace(
        way: .intercept, taker: taker, service: intercept.service, namespace: intercept.namespace,
        context: intercept.context, port: Int(clamping: port))
    }
    origin = place(.origin)
    own = intercept.own
    names = intercept.names
  }

  func take(_ events: [WatchedRecordReader.Event], into store: ExchangeStore) {
    let now = Date().timeIntervalSince1970
    for event in events {
      switch event {
      case .record(let record):
        // This daemon has seen its own requests itself.
        if record.holder == own { continue }
        let exchange = ReportedExchange(
          isHTTP2: record.isHTTP2, method: record.method, target: record.target, status: Int(clamping: record.status),
          grpcStatus: record.grpcStatus == 255 ? nil : Int(clamping: record.grpcStatus),
          end: now, duration: Double(record.duration) / 1e6, requestSize: Int(clamping: record.up),
          answerSize: Int(clamping: record.down))
        if let exchange { add(exchange, of: record.holder, to: store) } else { store.lose(1, at: origin) }
      case .dropped(let count): store.lose(Int(clamping: count), at: origin)
      case .failed: break
      }
    }
  }

  private func add(_ exchange: ReportedExchange, of holder: UInt64, to store: ExchangeStore) {
    guard holder != 0 else { return store.add(exchange, at: origin) }
    let known = state.withLock { state -> ObservedPlace? in
      if let place = state.others[holder] { return place }
      guard state.held.count < Self.mostHeld else { return place(.holder(Self.unknown)) }
      state.held.append((exchange, holder))
      if !state.isReading {
        state.isReading = true
        Task { await read(store) }
      }
      return nil
    }
    if let known { store.add(exchange, at: known) }
  }

  private static let unknown = "another person"

  /// Reads the names: someone may have come since the last time.
  private func read(_ store: ExchangeStore) async {
    let names = await names()
    let told = state.withLock { state in
      for (number, name) in names { state.others[number] = place(.holder(name)) }
      state.isReading = false
      defer { state.held = [] }
      return state.held.map { exchange, holder in
        // They may have left.
        let place = state.others[holder] ?? place(.holder(Self.unknown))
        state.others[holder] = place
        return (exchange, place)
      }
    }
    for (exchange, place) in told { store.add(exchange, at: place) }
  }
}
