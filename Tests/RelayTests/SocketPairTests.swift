import CLinux
import TestSupport
import Testing

@testable import Relay

@Suite struct SocketPairTests {
  private let loop = EventLoop()!

  /// A peer that goes on sending while it reads slowly: to close over its bytes would be a reset, which drops the rest.
  @Test func theLastBytesArriveThoughTheClientSends() {
    let (left, client) = connection()
    let (right, server) = connection()
    let pair = SocketPair(loop: loop, left: left, right: right)
    let far = TestClient(loop: loop, fd: client)
    far.isReading = false
    let origin = TestClient(loop: loop, fd: server)
    let bytes = [UInt8](repeating: 7, count: 3 << 20)
    origin.send(bytes)
    #expect(loop.turn { clinux_unacknowledged(left) > 100_000 })
    for _ in 0..<20 { loop.turn(maximumWait: 5) }
    pair.finish()
    #expect(pair.isFinishing && !pair.isOver)
    var rounds = 0
    far.isReading = true
    #expect(
      loop.turn {
        rounds += 1
        if rounds % 4 == 0, !far.sawEnd { far.send([1, 2, 3]) }
        return far.sawEnd || far.sawReset
      })
    #expect(far.sawEnd && !far.sawReset && !far.received.isEmpty && far.received.allSatisfy { $0 == 7 })
    #expect(loop.turn { pair.isOver })
    far.close()
    origin.close()
  }

  @Test func anIdleClientKeepsNothingOpen() {
    let (left, client) = connection()
    let (right, server) = connection()
    var ended = false
    let pair = SocketPair(loop: loop, left: left, right: right) { ended = true }
    let far = TestClient(loop: loop, fd: client)
    #expect(pair.isWhole)
    let start = ContinuousClock.now
    pair.finish()
    #expect(loop.turn { ended && far.sawEnd })
    #expect(ContinuousClock.now - start < .seconds(5) && !far.sawReset)
    far.close()
    clinux_close(server)
  }

  @Test func aPairWhoseOriginHasClosedIsNotWhole() {
    let (left, client) = connection()
    let (right, server) = connection()
    let pair = SocketPair(loop: loop, left: left, right: right)
    clinux_close(server)
    #expect(loop.turn { !pair.isWhole })
    pair.close(reset: true)
    clinux_close(client)
  }
}
