import HTTPMessages

/// Finds the requests and answers of a connection in the bytes that pass. It changes none, never fails the connection,
/// and costs nearly nothing once it has given up: for TLS, for protocols that it does not know, behind an upgrade, and
/// where two readers might disagree about a message's end.
public final class ConnectionObserver {
  private enum State {
    /// The client's first bytes are the beginning of HTTP/2's preface, or there are none yet.
    case opening
    case http1(HTTP1Observer)
    case http2(HTTP2Observer)
    case off
  }

  private var state = State.opening
  private let place: ObservedPlace
  private let driver: ObserverDriver
  /// Bytes that came before the kind of the connection was known.
  private var early: [UInt8] = []
  private var earlyAnswer: [UInt8] = []
  private static let mostEarly = 4096

  public init(_ place: ObservedPlace, driver: ObserverDriver) {
    self.place = place
    self.driver = driver
  }

  /// False once nothing more of the connection is looked at.
  public var isFollowing: Bool { if case .off = state { false } else { true } }

  /// Sees bytes of the client.
  /// - Parameter now: seconds since 1970, here and below.
  public func fromClient(_ bytes: UnsafeRawBufferPointer, now: Double) {
    switch state {
    case .off: break
    case .http1(let observer): if !observer.fromClient(bytes, now) { giveUp(observer, now) }
    case .http2(let observer): if !observer.fromClient(bytes, now) { giveUp(observer, now) }
    case .opening: open(bytes, now)
    }
  }

  /// Sees bytes of the server.
  public func fromServer(_ bytes: UnsafeRawBufferPointer, now: Double) {
    switch state {
    case .off: break
    case .http1(let observer): if !observer.fromServer(bytes, now) { giveUp(observer, now) }
    case .http2(let observer): if !observer.fromServer(bytes, now) { giveUp(observer, now) }
    case .opening:
      // A server of HTTP/2 may send its settings first.
      guard earlyAnswer.count + bytes.count <= Self.mostEarly else { return become(.other) }
      earlyAnswer.append(contentsOf: bytes)
      if earlyAnswer.count > 3, earlyAnswer[3] != HTTP2Frame.settings { become(.other) }
    }
  }

  /// Sees the end of the server's direction.
  public func serverEnded(now: Double) {
    if case .http1(let observer) = state { observer.serverEnded(now) }
  }

  /// Sees the end of the connection: an exchange without a whole answer has this failure.
  public func closed(_ failure: String, now: Double) {
    switch state {
    case .http1(let observer): observer.fail(failure, now)
    case .http2(let observer): observer.fail(failure, now)
    case .opening, .off: break
    }
    state = .off
    early = []
    earlyAnswer = []
  }

  private static let unfollowed = "the rest of the connection is no HTTP that can be followed"

  private func giveUp(_ observer: HTTP1Observer, _ now: Double) {
    state = .off
    observer.fail(Self.unfollowed, now)
    if !observer.hasBegun { driver.isOf(.other) }
  }

  private func giveUp(_ observer: HTTP2Observer, _ now: Double) {
    state = .off
    observer.fail(Self.unfollowed, now)
  }

  private func become(_ kind: ConnectionKind) {
    state = .off
    early = []
    earlyAnswer = []
    driver.isOf(kind)
  }

  /// Tells the kinds apart by the client's first bytes.
  private func open(_ bytes: UnsafeRawBufferPointer, _ now: Double) {
    guard let first = bytes.first else { return }
    if early.isEmpty, first < 65 || first > 90 { return become(first == 22 ? .tls : .other) }
    let preface = HTTP2Frame.preface
    let before = early.count
    var index = 0
    while index < bytes.count, before + index < preface.utf8CodeUnitCount {
      guard bytes[index] == preface.utf8Start[before + index] else { return beginHTTP1(bytes, now) }
      index += 1
    }
    guard before + index == preface.utf8CodeUnitCount else { return early.append(contentsOf: bytes) }
    early = []
    let observer = HTTP2Observer(place, driver)
    state = .http2(observer)
    driver.isOf(.http2)
    let answer = earlyAnswer
    earlyAnswer = []
    fromClient(UnsafeRawBufferPointer(rebasing: bytes[index...]), now: now)
    answer.withUnsafeBytes { fromServer($0, now: now) }
  }

  private func beginHTTP1(_ bytes: UnsafeRawBufferPointer, _ now: Double) {
    guard earlyAnswer.isEmpty else { return become(.other) }
    state = .http1(HTTP1Observer(place, driver))
    let opening = early
    early = []
    opening.withUnsafeBytes { fromClient($0, now: now) }
    fromClient(bytes, now: now)
  }
}
