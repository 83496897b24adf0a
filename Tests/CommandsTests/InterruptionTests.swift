import Testing
import UnixSignals

@testable import Commands

@Suite struct InterruptionTests {
  @Test(
    "The first signal undoes, a second one ends at once",
    arguments: [
      ([.sigint], [.cancel], 130), ([.sigterm], [.cancel], 143), ([.sighup], [.cancel], 129),
      ([.sigint, .sigint], [.cancel, .end(130)], 130), ([.sigint, .sigterm], [.cancel, .end(143)], 130),
      // A terminal that closes, and its shell.
      ([.sighup, .sighup], [.cancel, .nothing], 129), ([.sighup, .sigterm], [.cancel, .end(143)], 129),
      ([.sigterm, .sighup], [.cancel, .nothing], 143),
    ] as [([UnixSignal], [Interruption.Consequence], Int32)])
  func signals(signals: [UnixSignal], consequences: [Interruption.Consequence], status: Int32) {
    var interruption = Interruption()
    #expect(interruption.status == nil)
    #expect(signals.map { interruption.take($0) } == consequences && interruption.status == status)
  }
}
