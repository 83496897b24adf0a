import KubeObjects

/// The connections of one port, counted over all its agents so far: a new Pod counts from zero. An agent may report
/// anything.
struct PortCounters: Sendable {
  private var past = (host: UInt64(0), origin: UInt64(0))
  private var present = (host: UInt64(0), origin: UInt64(0))
  /// Our own probes, made before any connection went to the host.
  private var own: UInt64 = 0

  var toHost: UInt64 { past.host.addingSaturating(present.host) }
  var toOrigin: UInt64 {
    let all = past.origin.addingSaturating(present.origin)
    return all - min(own, all)
  }

  /// Leaves out connections that were made to check that the agent is reached, and that it has counted.
  mutating func leaveOut(_ count: UInt64) { own = own.addingSaturating(count) }

  /// Takes over the present agent's counts.
  mutating func take(toHost: UInt64, toOrigin: UInt64) {
    // A connection that falls back moves from one count to the other: only the sum never decreases.
    if toHost.addingSaturating(toOrigin) < present.host.addingSaturating(present.origin) {
      past = (self.toHost, past.origin.addingSaturating(present.origin))
    }
    present = (toHost, toOrigin)
  }
}
