import Exchanges
import Glibc
import Relay

/// Puts an observer on each new connection, which fills the store. Lives on the relay's thread.
final class ExchangeTaps: TapSource {
  private let store: ExchangeStore

  init(_ store: ExchangeStore) { self.store = store }

  override func tap(_ place: TapPlace, _ loop: EventLoop) -> StreamTap? { ExchangeTap(store, place, loop) }
}

/// Shows one connection to an observer.
private final class ExchangeTap: StreamTap {
  private let observer: ConnectionObserver
  private let loop: EventLoop
  private let way: TapPlace.Way
  /// Seconds from the loop's clock to 1970's.
  private let offset: Double

  init(_ store: ExchangeStore, _ place: TapPlace, _ loop: EventLoop) {
    let observed = ObservedPlace(place)
    observer = ConnectionObserver(observed, driver: StoreDriver(store, observed))
    self.loop = loop
    way = place.way
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    offset = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - Double(loop.now) / 1e6
  }

  private var now: Double { offset + Double(loop.now) / 1e6 }
  /// The client of an intercepted connection is at the stream's end, that of all others at the socket's.
  private var isFromCluster: Bool { way == .intercept }

  override func fromSocket(_ bytes: UnsafeRawBufferPointer) {
    guard observer.isFollowing else { return }
    if isFromCluster { observer.fromServer(bytes, now: now) } else { observer.fromClient(bytes, now: now) }
  }

  override func fromStream(_ bytes: UnsafeRawBufferPointer) {
    guard observer.isFollowing else { return }
    if isFromCluster { observer.fromClient(bytes, now: now) } else { observer.fromServer(bytes, now: now) }
  }

  override func socketEnded() { if isFromCluster { observer.serverEnded(now: now) } }
  override func streamEnded() { if !isFromCluster { observer.serverEnded(now: now) } }

  override func refused() {
    observer.closed(
      isFromCluster ? "nothing took it on this machine: it went to the origin" : "the connection was refused", now: now)
  }

  override func closed(reset: Bool) {
    observer.closed(reset ? "the connection was reset" : "the connection ended", now: now)
  }
}

extension ObservedPlace {
  fileprivate convenience init(_ place: TapPlace) {
    let way: Exchange.Way =
      switch place.way {
      case .intercept: .intercept
      case .forward: .forward
      case .shell: .shell
      }
    self.init(
      way: way, taker: .host, service: place.service, namespace: place.namespace, context: place.context,
      port: place.port)
  }
}
