/// The connections of one port, over all agents that there have been: a new Pod counts from zero.
struct PortCounters: Sendable {
  private var past = (host: UInt64(0), origin: UInt64(0))
  private var present = (host: UInt64(0), origin: UInt64(0))

  var toHost: UInt64 { past.host + present.host }
  var toOrigin: UInt64 { past.origin + present.origin - min(own, past.origin + present.origin) }
  /// Our own, which came before any was led to the host.
  private var own: UInt64 = 0

  /// Connections that the agent has counted were made to see whether it is reached.
  mutating func leaveOut(_ count: UInt64) { own += count }

  /// What the agent of the moment says.
  mutating func take(toHost: UInt64, toOrigin: UInt64) {
    // One that falls back moves from one count to the other: only the sum never gets smaller.
    if toHost + toOrigin < present.host + present.origin { past = (past.host + present.host, past.origin + present.origin) }
    present = (toHost, toOrigin)
  }
}
