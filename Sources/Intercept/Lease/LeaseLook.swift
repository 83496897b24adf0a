import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Synchronization
import Workloads

/// The result of one look at a Lease. Two looks show whether its holder lives, whatever their machine's clock says.
struct LeaseLook: Sendable, Hashable {
  var uid: String?
  var renewTime: String?
  /// The API server gives each change another one.
  var resourceVersion: String?
  /// It looks fresh by this machine's clock.
  var isFresh: Bool
  /// By a clock that no one sets.
  var time: ContinuousClock.Instant

  init(_ lease: JSONValue, isFresh: Bool, time: ContinuousClock.Instant) {
    uid = lease.uid
    renewTime = lease[path: "spec", "renewTime"]?.stringValue
    resourceVersion = lease.resourceVersion
    self.isFresh = isFresh
    self.time = time
  }

  enum Verdict: Hashable, Sendable {
    case lives
    case stale
    /// A look at that time decides.
    case unknown(until: ContinuousClock.Instant)
  }

  /// Decides whether the holder lives. A Lease looks stale if it was not renewed, or if the holder's clock is slow: a
  /// holder who lives has renewed it by the second look.
  /// - Parameters:
  ///   - first: an earlier look at the Lease of that name; nil if there was none.
  ///   - interval: the time in which a holder renews it.
  func verdict(after first: LeaseLook?, interval: Duration) -> Verdict {
    if isFresh { return .lives }
    guard let first else { return .unknown(until: time + interval) }
    guard uid == first.uid, renewTime == first.renewTime, resourceVersion == first.resourceVersion else {
      return .lives
    }
    return first.time.duration(to: time) < interval ? .unknown(until: first.time + interval) : .stale
  }
}

/// The first looks at Leases that looked stale.
final class LeaseLooks: Sendable {
  /// A holder renews every `WorkloadLease.renewInterval`, and needs a moment more for two requests.
  static let interval = WorkloadLease.renewInterval + .seconds(2)

  private let interval: Duration
  private let first = Mutex<[String: LeaseLook]>([:])

  init(interval: Duration = LeaseLooks.interval) { self.interval = interval }

  /// Takes a look at the Lease of a name, and decides by it and the first one.
  func verdict(_ look: LeaseLook, of name: String) -> LeaseLook.Verdict {
    first.withLock { first in
      defer { if first[name] == nil { first[name] = look } }
      return look.verdict(after: first[name], interval: interval)
    }
  }

  /// Reads a Lease, and a second time if the first look does not show whether its holder lives.
  /// - Parameter spares: true for a holder whose Lease needs one look.
  /// - Returns: the Lease, nil if there is none, and its content, nil if no one holds it.
  func read(
    _ name: String, namespace: String, client: KubeClient, progress: Engine.Progress?, spares: (Holder) -> Bool
  ) async throws(ControlError) -> (lease: JSONValue?, held: WorkloadLease.Held?) {
    while true {
      let lease = try await attempt("reading Lease \(namespace)/\(name)") { () async throws(KubeError) in
        try await client.find(.leases, name, namespace: namespace)
      }
      guard let lease, var held = WorkloadLease.held(lease) else { return (lease, nil) }
      guard !spares(held.holder) else { return (lease, held) }
      switch verdict(LeaseLook(lease, isFresh: held.isFresh, time: .now), of: name) {
      case .lives:
        held.isFresh = true
        return (lease, held)
      case .stale: return (lease, held)
      case .unknown(let time):
        progress?(
          "Lease \(namespace)/\(name) of \(held.holder) looks stale: "
            + "devtunnel looks again, since their clock may be slow"
        )
        try? await Task.sleep(until: time)
        guard !Task.isCancelled else { throw ControlError(.cancelled, "cancelled") }
      }
    }
  }
}
