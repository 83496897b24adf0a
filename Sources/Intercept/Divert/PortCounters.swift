import KubeObjects

/// The connections of one port, over all agents that there have been: a new Pod counts from zero. An agent may say
/// anything.
struct PortCounters: Sendable {
  private var past = (host: UInt64(0), origin: UInt64(0))
  private var present = (host: UInt64(0), origin: UInt64(0))
  /// Our own, which came before any was led to the host.
  private var own: UInt64 = 0

  var toHost: UInt64 { past.host.addingSaturating(present.host) }
  var toOrigin: UInt64 {
    let all = past.origin.addingSaturating(present.origin)
    return all - min(own, all)
  }

  /// Connections that the agent has counted were made to see whether it is reached.
  mutating func leaveOut(_ count: UInt64) { own = own.addingSaturating(count) }

  /// Takes over what the agent of the moment says.
  mutating func take(toHost: UInt64, toOrigin: UInt64) {
    // One that falls back moves from one count to the other: only the sum never gets smaller.
    if toHost.addingSaturating(toOrigin) < present.host.addingSaturating(present.origin) {
      past = (self.toHost, past.origin.addingSaturating(present.origin))
    }
    present = (toHost, toOrigin)
  }
}
