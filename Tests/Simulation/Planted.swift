/// Faults that the code once had, to show that the simulation finds them.
public enum Planted: String, CaseIterable, Sendable {
  /// The agent is removed although another Service of the workload still selects it.
  case twoServices = "two-services"
  /// The agent ends 5 s after its end was asked for, though a kube-proxy that lags still sends connections.
  case laggingProxy = "lagging-proxy"
  /// Two who take a port over at once overwrite each other's claims.
  case takeOverRace = "take-over-race"
  /// A divert whose answer is lost is taken for one that was not made.
  case lostAnswer = "lost-answer"
  /// A holder whose Lease is deleted alone gives everything up, and undoes nothing.
  case deletedLease = "deleted-lease"
  /// The agent does not tell a session that another one has taken a rule from it.
  case untoldRule = "untold-rule"
  /// The agent takes a mirror for an intercept, as one that does not know copies would.
  case takingMirror = "taking-mirror"
  /// Two who want copies of the same requests exclude each other.
  case exclusiveMirror = "exclusive-mirror"
}
