import CLinux
import Glibc
import TestSupport
import Testing

@testable import Relay

struct ConnectionBudgetTests {
  @Test(
    "A process keeps descriptors for itself, and no tunnel has what others need",
    arguments: [0, 16, 256, 512, 1024, 4096, 65_536, 1 << 20, .max])
  func limits(openFiles: Int) {
    let limits = ConnectionLimits(openFiles: openFiles)
    #expect(limits.all >= 16 && limits.tunnel >= 4 && limits.tunnel * 4 <= limits.all)
    #expect(limits.tunnel <= 16_384, "a session has no more streams")
    guard openFiles >= 256 else { return }
    #expect(openFiles - limits.all >= 192, "the API client and the control socket")
  }

  @Test("The usual limits") func usual() {
    #expect(ConnectionLimits(openFiles: 1024) == ConnectionLimits(openFiles: 1024))
    #expect([1024, 4096, 524_288].map { ConnectionLimits(openFiles: $0).all } == [832, 3584, 520_192])
    #expect([1024, 4096, 524_288].map { ConnectionLimits(openFiles: $0).tunnel } == [208, 896, 16_384])
  }

  @Test("A tunnel's part is a part of the whole")
  func parts() {
    let all = ConnectionBudget(limit: 5)
    let (one, two) = (ConnectionBudget(limit: 3, within: all), ConnectionBudget(limit: 3, within: all))
    #expect((0..<5).map { _ in one.take() } == [true, true, true, false, false])
    #expect((0..<3).map { _ in two.take() } == [true, true, false], "the whole is used up")
    #expect(all.open == 5 && one.open == 3 && two.open == 2)
    one.giveBack()
    #expect(two.take(2) == false && two.take())
    #expect(all.open == 5)
    for _ in 0..<2 { one.giveBack() }
    two.giveBack(3)
    #expect(all.open == 0 && one.open == 0 && two.open == 0)
  }

  private final class Counting: Listener {
    var connections: [Int32] = []
    var refused = 0
    override func accepted(_ connection: Int32, peer: clinux_address) { connections.append(connection) }
    override func turnedAway() { refused += 1 }
  }

  @Test("Out of descriptors a listener resets its clients; they do not wait without end")
  func outOfDescriptors() async {
    await #expect(processExitsWith: .success) {
      #expect(clinux_set_open_files(128) == 0)
      let loop = EventLoop()!
      let (fd, port) = listening()
      let listener = Counting(loop: loop, fd: fd)
      let clients = (0..<20).map { _ in TestClient(loop: loop, port: port) }
      // All but four are gone.
      var taken: [Int32] = []
      while case let fd = clinux_eventfd(), fd >= 0 { taken.append(fd) }
      for fd in taken.suffix(4) { clinux_close(fd) }
      listener.start()
      #expect(loop.turn { clients.count { $0.sawReset || $0.sawEnd } == 16 })
      #expect(listener.connections.count == 4 && listener.refused == 16)
      for fd in taken.dropLast(4) { clinux_close(fd) }
      let late = TestClient(loop: loop, port: port)
      #expect(loop.turn { listener.connections.count == 5 })
      #expect(!late.sawReset)
    }
  }
}
