#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// The holder of a workload's intercept: a Lease, so that a second developer learns of it, and may take over once it is
/// stale (coordination.k8s.io/v1).
public struct WorkloadLease: Sendable {
  public var client: KubeClient
  public let namespace: String
  public let workload: String
  public let service: String
  public let holder: Holder
  /// True if our journal names the intercept: a Lease with our name alone, written by a former version, is then ours.
  public var isJournaled = false
  /// Shared by copies: the claim's look is the acquisition's first.
  var looks = LeaseLooks()

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

  public init(client: KubeClient, namespace: String, workload: String, service: String, holder: Holder) {
    self.client = client
    self.namespace = namespace
    self.workload = workload
    self.service = service
    self.holder = holder
  }

  public var name: String { AgentNames.base(workload) }

  /// The contents of a Lease that someone holds.
  public struct Held: Sendable, Hashable {
    public var holder: Holder
    /// The Lease's `acquireTime`; empty if it has none.
    public var since: String
    public var transitions: UInt64
    /// By this machine's clock, or since it was renewed between two looks.
    public var isFresh: Bool
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
        now: now), service: lease.annotations[AgentNames.serviceAnnotation].flatMap { AgentNames.isName($0) ? $0 : nil }
    )
  }

  /// Reads the Lease; nil if there is none, or no one holds it.
  func read() async throws(ControlError) -> Held? {
    let found = try await attempt("reading Lease \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.leases, name, namespace: namespace)
    }
    return found.flatMap { Self.held($0) }
  }

  /// Reads the Lease until it shows whether its holder lives. Ours, and one that is to be taken over anyway, is read
  /// once.
  func settled(takeOver: Bool, progress: Engine.Progress?) async throws(ControlError) -> (
    lease: JSONValue?, held: Held?
  ) {
    try await looks.read(name, namespace: namespace, client: client, progress: progress) { takeOver || isOurs($0) }
  }

  /// Decides whether this holder may have the workload.
  /// - Parameter others: further Services that are diverted to its agent.
  func verdict(_ held: Held?, others: [String], takeOver: Bool) -> WorkloadClaim.Verdict {
    let lease = held.map {
      WorkloadClaim.Lease(
        holder: $0.holder.told(to: holder), isOurs: isOurs($0.holder), isFresh: $0.isFresh, since: $0.since,
        service: $0.service)
    }
    return WorkloadClaim(workload: workload, namespace: namespace, service: service, takeOver: takeOver).verdict(
      lease, others: others)
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

  /// Returns the next holder's count. After the last it starts over: a running agent, which knows a higher count, is
  /// not reused then.
  static func next(after transitions: UInt64) -> UInt64 { transitions < lastTransition ? transitions + 1 : 1 }

  /// Takes the Lease. Another holder's is taken only if it is stale, by two looks, or `takeOver` is set.
  /// - Returns: the transition count, which the agent compares; 1 at the beginning.
  public func acquire(takeOver: Bool, progress: Engine.Progress? = nil) async throws(ControlError) -> UInt64 {
    for _ in 0..<5 {
      let (found, held) = try await settled(takeOver: takeOver, progress: progress)
      if case .refused(let refusal) = verdict(held, others: [], takeOver: takeOver) { throw refusal }
      do throws(KubeError) {
        guard var lease = found else {
          try await client.create(fresh(), as: .leases, namespace: namespace)
          return 1
        }
        let transitions = Self.next(after: Self.transitions(of: lease))
        lease["spec"] = spec(transitions: transitions)
        lease.annotations.merge(annotations) { $1 }
        try await client.update(lease, as: .leases, namespace: namespace)
        return transitions
      } catch {
        // Someone was faster: look again.
        guard error.statusCode == 409 || error.isNotFound else {
          throw ControlError(error, doing: "writing Lease \(namespace)/\(name)")
        }
      }
    }
    throw ControlError(.conflict, "Lease \(namespace)/\(name) keeps changing", remedy: "Try again.")
  }

  private func isOurs(_ held: Holder) -> Bool { held.isSame(as: holder, inJournal: isJournaled) }

  /// Renews it; returns false if another holder has it by now.
  public func renew(transitions: UInt64) async throws(KubeError) -> Bool {
    guard var lease = try await client.find(.leases, name, namespace: namespace) else { return false }
    guard let held = Self.held(lease), held.holder == holder, held.transitions == transitions else { return false }
    lease[path: "spec", "renewTime"] = JSONValue(Timestamp.micro(Date()))
    try await client.update(lease, as: .leases, namespace: namespace)
    return true
  }

  /// Deletes it, if it is still ours. A late renewal, or someone who has taken it, may change it meanwhile: it is then
  /// looked at again.
  public func release(transitions: UInt64) async throws(ControlError) {
    for _ in 0..<3 {
      do throws(KubeError) {
        guard let lease = try await client.find(.leases, name, namespace: namespace), let held = Self.held(lease),
          held.holder == holder,
          held.transitions == transitions
        else { return }
        try await client.delete(
          .leases, name, namespace: namespace, uid: lease.uid, resourceVersion: lease.resourceVersion)
        return
      } catch {
        if error.isNotFound { return }
        guard error.isConflict else { throw ControlError(error, doing: "deleting Lease \(namespace)/\(name)") }
      }
    }
  }

  private func fresh() -> JSONValue {
    var lease: JSONValue = ["apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec(transitions: 1)]
    lease.name = name
    lease.namespace = namespace
    lease.labels = [AgentNames.managedByLabel: AgentNames.managedBy, AgentNames.agentLabel: AgentNames.label(workload)]
    lease.annotations = annotations
    return lease
  }

  private var annotations: [String: String] {
    AgentManifests(workload: workload, namespace: namespace, holder: holder, service: service).annotations
  }

  private func spec(transitions: UInt64) -> JSONValue {
    let now = JSONValue(Timestamp.micro(Date()))
    return [
      "holderIdentity": JSONValue(holder.identity), "leaseDurationSeconds": JSONValue(Self.duration),
      "acquireTime": now, "renewTime": now,
      "leaseTransitions": JSONValue(Int(clamping: transitions)),
    ]
  }
}
