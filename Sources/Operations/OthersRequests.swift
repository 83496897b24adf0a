import Agents
import ControlAPI
import Exchanges
import Foundation
import Intercept
import Relay
import TunnelProtocol

/// Fills the store with the requests that intercepts with rules left to others, while somebody follows.
actor OthersRequests {
  private struct Key: Hashable {
    var id: InterceptID
    var port: UInt16
  }

  private let store: ExchangeStore
  private let relay: RelayThread
  private var users = 0
  private var task: Task<Void, Never>?
  private var watches: [Key: OnLoop<WatchEnd>] = [:]
  private static let pause = Duration.seconds(1)

  init(_ store: ExchangeStore, _ relay: RelayThread) {
    self.store = store
    self.relay = relay
  }

  /// - Parameter intercepts: returns those of the moment.
  func begin(_ intercepts: @escaping @Sendable () async -> [InterceptID: WatchedIntercept]) {
    users += 1
    guard users == 1 else { return }
    task = Task {
      while !Task.isCancelled {
        await look(intercepts())
        try? await Task.sleep(for: Self.pause)
      }
    }
  }

  func end() {
    users -= 1
    guard users == 0 else { return }
    task?.cancel()
    task = nil
    let all = watches.values
    watches = [:]
    relay.submit { loop in for watch in all { watch.get(on: loop).stop() } }
  }

  /// Opens the streams that are missing, such as those of a new intercept or after a reconnection.
  private func look(_ intercepts: [InterceptID: WatchedIntercept]) async {
    for (id, intercept) in intercepts {
      for (port, podPort) in intercept.ports {
        let key = Key(id: id, port: port)
        if let watch = watches[key], await relay.run({ !watch.get(on: $0).isOver }) { continue }
        let places = OthersPlaces(intercept, port: podPort)
        let watch = await intercept.link.watch(port) { [store] in places.take($0, into: store) }
        // Nobody may follow any more by now.
        if users > 0 {
          watches[key] = watch
        } else if let watch {
          relay.submit { watch.get(on: $0).stop() }
        }
      }
    }
  }
}

/// The takers of one port's requests.
private final class OthersPlaces: Sendable {
  private let origin: ObservedPlace
  private let unknown: ObservedPlace
  private let others: [UInt64: ObservedPlace]
  private let own: UInt64

  init(_ intercept: WatchedIntercept, port: UInt16) {
    func place(_ taker: Exchange.Taker) -> ObservedPlace {
      ObservedPlace(
        way: .intercept, taker: taker, service: intercept.service, namespace: intercept.namespace,
        context: intercept.context, port: Int(clamping: port))
    }
    origin = place(.origin)
    unknown = place(.holder("another person"))
    others = intercept.names.mapValues { place(.holder($0)) }
    own = intercept.own
  }

  func take(_ events: [WatchedRecordReader.Event], into store: ExchangeStore) {
    let now = Date().timeIntervalSince1970
    for event in events {
      switch event {
      case .record(let record):
        // This daemon has seen its own requests itself.
        if record.holder == own { continue }
        store.add(
          ReportedExchange(
            isHTTP2: record.isHTTP2, method: record.method, target: record.target, status: Int(clamping: record.status),
            grpcStatus: record.grpcStatus == 255 ? nil : Int(clamping: record.grpcStatus),
            end: now, duration: Double(record.duration) / 1e6, requestSize: Int(clamping: record.up),
            answerSize: Int(clamping: record.down)),
          at: record.holder == 0 ? origin : others[record.holder] ?? unknown)
      case .dropped(let count): store.lose(Int(clamping: count), at: origin)
      case .failed: break
      }
    }
  }
}
