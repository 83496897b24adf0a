import CLinux
import Relay
import TestSupport
import Testing

@testable import Outbound

@Suite struct AcceptorTests {
  /// Out of descriptors for its first tries.
  private final class Poor: Acceptor {
    var failures: [Int32] = []
    var accepted: [Int32] = []
    var tries = 0

    override func next() -> Int32 {
      tries += 1
      return failures.isEmpty ? super.next() : -failures.removeFirst()
    }

    override func accepted(_ connection: Int32) { accepted.append(connection) }
  }

  @Test func outOfDescriptorsAConnectionIsResetAndItIsSaid() {
    let loop = EventLoop()!
    let counters = OutboundCounters()
    let (fd, port) = listening()
    let acceptor = Poor(loop: loop, fd: fd, counters: counters)
    acceptor.failures = [clinux_EMFILE]
    let client = TestClient(loop: loop, port: port)
    #expect(loop.turn { client.sawReset }, "it does not wait for ever")
    #expect(counters.lastProblem?.contains("out of file descriptors") == true)
    #expect(acceptor.accepted.isEmpty)
    let next = TestClient(loop: loop, port: port)
    #expect(loop.turn { acceptor.accepted.count == 1 })
    #expect(!next.sawReset)
    for connection in acceptor.accepted { clinux_close(connection) }
    client.close()
    next.close()
    acceptor.close()
  }

  @Test func aCrowdIsTakenInSeveralTurns() {
    let loop = EventLoop()!
    let (fd, port) = listening()
    let clients = (0..<200).map { _ in TestClient(loop: loop, port: port) }
    let acceptor = Poor(loop: loop, fd: fd, counters: OutboundCounters())
    #expect(loop.turn { !acceptor.accepted.isEmpty })
    #expect(acceptor.accepted.count == 64)
    #expect(loop.turn { acceptor.accepted.count == 200 })
    for connection in acceptor.accepted { clinux_close(connection) }
    for client in clients { client.close() }
    acceptor.close()
  }
}
