import Agents
import ControlAPI
import KubeAPI
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The contents of Leases by which holders show that they live (coordination.k8s.io/v1).
public enum WorkloadLease {
  /// The time without renewal after which it is stale, in seconds.
  public static let duration = 30
  public static let renewInterval = Duration.seconds(10)
  /// The longest duration that others' Leases may give, in seconds.
  static let longestDuration = 60
  /// The time that another machine's clock may be ahead of ours, in seconds; a later time counts as no renewal. It is a
  /// day: a laptop whose clock is slow must not take over a colleague's intercept, and a forged time must end.
  static let clockTolerance = 86_400.0
  /// The largest `leaseTransitions` (Kubernetes API, LeaseSpec: int32).
  static let lastTransition = UInt64(Int32.max)

  /// The contents of a Lease that someone holds.
  public struct Held: Sendable, Hashable {
    public var holder: Holder
    /// The Lease's `acquireTime`; empty if it has none.
    public var since: String
    public var transitions: UInt64
    /// By this machine's clock, or since it was renewed between two looks.
    public var isFresh: Bool
    /// The Lease's `renewTime`; nil if it has none.
    public var renewed: Date?
    /// The Service through which the workload is intercepted; nil if the Lease names none.
    public var service: String?
  }

  /// Reads a Lease, which may contain anything; nil if no one holds it.
  public static func held(_ lease: JSONValue, now: Date = Date()) -> Held? {
    guard let identity = lease[path: "spec", "holderIdentity"]?.stringValue, !identity.isEmpty else { return nil }
    return Held(
      holder: Holder(identity: identity), since: lease[path: "spec", "acquireTime"]?.stringValue ?? "",
      transitions: transitions(of: lease),
      isFresh: isFresh(
        renewed: lease[path: "spec", "renewTime"]?.stringValue.flatMap(Timestamp.parse),
        duration: lease[path: "spec", "leaseDurationSeconds"]?.intValue,
        now: now), renewed: lease[path: "spec", "renewTime"]?.stringValue.flatMap(Timestamp.parse),
      service: lease.annotations[AgentNames.serviceAnnotation].flatMap { AgentNames.isName($0) ? $0 : nil }
    )
  }

  /// Decides whether a Lease is in use. Neither a time in the future nor a long duration keeps it so forever: it ends
  /// at most a day and a minute after its last change.
  static func isFresh(renewed: Date?, duration: Int?, now: Date) -> Bool {
    guard let renewed else { return false }
    let seconds = duration.flatMap { $0 > 0 ? min($0, longestDuration) : nil } ?? Self.duration
    let age = now.timeIntervalSince(renewed)
    return age < Double(seconds) && age >= -clockTolerance
  }

  static func transitions(of lease: JSONValue) -> UInt64 {
    min(UInt64(clamping: lease[path: "spec", "leaseTransitions"]?.intValue ?? 0), lastTransition)
  }
}
