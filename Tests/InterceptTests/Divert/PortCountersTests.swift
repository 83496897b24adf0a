import Testing

@testable import Intercept

struct PortCountersTests {
  @Test("A new agent's counts are added to those of the one before; a fallback is no new agent")
  func sums() {
    var counters = PortCounters()
    counters.take(toHost: 5, toOrigin: 1)
    counters.take(toHost: 4, toOrigin: 2)
    #expect(counters.toHost == 4 && counters.toOrigin == 2)
    counters.take(toHost: 0, toOrigin: 3)
    #expect(counters.toHost == 4 && counters.toOrigin == 5)
    counters.take(toHost: 7, toOrigin: 3)
    #expect(counters.toHost == 11 && counters.toOrigin == 5)
  }

  @Test("Our own are left out, and an agent that follows does not bring them back")
  func leftOut() {
    var counters = PortCounters()
    counters.take(toHost: 0, toOrigin: 20)
    counters.leaveOut(18)
    #expect(counters.toOrigin == 2)
    counters.take(toHost: 5, toOrigin: 20)
    #expect(counters.toHost == 5 && counters.toOrigin == 2)
    counters.take(toHost: 0, toOrigin: 1)
    #expect(counters.toHost == 5 && counters.toOrigin == 3)
  }

  @Test("No number that an agent reports traps")
  func anything() {
    var counters = PortCounters()
    for (host, origin) in [(UInt64.max, UInt64.max), (0, 0), (.max, 1), (1, .max)] {
      counters.take(toHost: host, toOrigin: origin)
      counters.leaveOut(.max)
    }
    #expect(counters.toOrigin == 0 && counters.toHost > 0)
  }

  @Test(
    "Enough connections that none comes to the agent by chance",
    arguments: [(0, 6), (1, 6), (2, 9), (4, 15), (100, 24)])
  func probes(origins: Int, count: Int) { #expect(InterceptedWorkload.probes(origins: origins) == count) }
}
