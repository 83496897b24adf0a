// One holder's intercepts of one workload. Feeds put observations into one ordered inbox; the machine takes them one
// after the other and names the next steps; each step does its I/O and reports its outcome to the inbox.

import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import Logging
import TunnelProtocol

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One holder's intercepts of the Services of one workload, which share an agent and a session.
public actor InterceptedWorkload {
  /// One intercepted Service.
  struct Member {
    var request: InterceptRequest
    var plan: InterceptPlan
    var entry: Journal.Entry
    var isInsideShell: Bool
    /// The route that connections take instead of the host; nil without one.
    var joined: JoinedCluster?
    var progress: Engine.Progress?
    /// The error of the last step that failed, in full.
    var error: ControlError?
    /// A line about connections that did not reach the host.
    var fallBacks: String?
    var fellBack: UInt64 = 0
    /// A warning about ports of the changed Service that the agent does not carry.
    var uncarried: String?
    var counters: [UInt16: PortCounters] = [:]
    /// Copies that went to the host, and those that are lost, in the place of the origin's.
    var copies: [UInt16: PortCounters] = [:]
    var feeds: [Task<Void, Never>] = []
  }

  /// The end of a Service's intercept.
  struct Ended {
    var facts: ServiceFacts
    var error: ControlError?
  }

  private(set) var context: InterceptContext
  public nonisolated let cluster: ClusterIdentity
  public nonisolated let namespace: String
  public nonisolated let workload: String
  var machine: InterceptMachine
  var members: [String: Member] = [:]
  private(set) var ended: [String: Ended] = [:]
  var link: AgentLink?
  /// Answers the steps at the agent and on the host in place of a session; for tests.
  var standIn: (@Sendable (Step) async -> Outcome)?
  var identity: AgentIdentity?
  /// True if the agent was closing when it was joined: its readiness, as the endpoints show it, is that of before.
  var wasClosing = false
  /// Warnings about the agent, for each of its Services.
  var agentWarnings: [String] = []
  /// The reason why the Lease is not renewed; nil while it is.
  var staleness: String?
  /// The reason why nothing can fail open; nil while the origin answers.
  var unreached: String?
  var misses = 0
  var renewal: Task<Void, Never>?
  var originWatch: Task<Void, Never>?
  private nonisolated let inbox: AsyncStream<Observation?>.Continuation
  private let observations: AsyncStream<Observation?>
  private var loop: Task<Void, Never>?
  private var alarm: Task<Void, Never>?
  private var running: [Step: Task<Void, Never>] = [:]

  public init(cluster: ClusterIdentity, namespace: String, workload: String, context: InterceptContext) {
    self.cluster = cluster
    self.namespace = namespace
    self.workload = workload
    self.context = context
    machine = InterceptMachine(holder: context.holder.identity, listens: [])
    (observations, inbox) = AsyncStream.makeStream()
  }

  var client: KubeClient { context.client }
  var claims: AgentClaims { AgentClaims(client: client.within(.seconds(8)), namespace: namespace, workload: workload) }
  var lease: HolderLease {
    HolderLease(
      client: client.within(.seconds(8)), namespace: namespace, workload: workload, holder: context.holder)
  }

  // MARK: The loop

  private static let origin = ContinuousClock.now
  private static var now: Instant { origin.duration(to: .now) }

  nonisolated func observe(_ observation: Observation) { inbox.yield(observation) }

  private func start() {
    guard loop == nil else { return }
    loop = Task { [weak self, observations] in
      for await observation in observations {
        guard let self else { return }
        await self.take(observation)
      }
    }
  }

  private func take(_ observation: Observation?) {
    let now = Self.now
    if let observation { machine.observe(observation, at: now) }
    let (steps, wake) = machine.next(at: now)
    if case .finished(let step, _) = observation { running[step] = nil }
    for step in steps {
      running[step] = Task { [weak self] in
        guard let self else { return }
        self.observe(.finished(step, await self.perform(step)))
      }
    }
    // Nobody waits any longer for an agent that starts.
    for (step, task) in running {
      if case .join(let wishes) = step, !wishes.contains(where: { machine.isWanted($0.service) }) { task.cancel() }
    }
    alarm?.cancel()
    alarm = wake.map { time in
      Task { [inbox] in if (try? await Task.sleep(for: time - now)) != nil { inbox.yield(nil) } }
    }
    for (service, facts) in machine.ended { finish(service, facts) }
    machine.forgetEnded()
    context.changes.ring()
  }

  private func finish(_ service: String, _ facts: ServiceFacts) {
    guard let member = members.removeValue(forKey: service) else { return }
    for feed in member.feeds { feed.cancel() }
    ended[service] = Ended(facts: facts, error: member.error)
    context.journal.remove(member.entry)
    guard members.isEmpty else { return }
    renewal?.cancel()
    originWatch?.cancel()
    (renewal, originWatch, agentWarnings) = (nil, nil, [])
    let link = link
    self.link = nil
    identity = nil
    observe(.session(.closed))
    Task { await link?.stop() }
  }

  /// Returns once a condition is met, or after `limit`; nil waits as long as it takes.
  /// - Returns: false if it is not met.
  func wait(_ limit: Duration?, until isMet: @escaping @Sendable (isolated InterceptedWorkload) -> Bool) async -> Bool {
    let deadline = limit.map { ContinuousClock.now + $0 }
    while !isMet(self) {
      guard deadline.map({ $0 > .now }) ?? true, !Task.isCancelled else { return isMet(self) }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return true
  }

  // MARK: Commands

  /// Begins to intercept a Service.
  func intercept(_ member: Member, _ wish: Wish, _ context: InterceptContext) {
    if members.isEmpty { self.context = context }
    ended[wish.service] = nil
    members[wish.service] = member
    start()
    observe(.intercept(wish))
    follow(wish.service, member.plan)
  }

  /// Begins to undo the intercept of a Service.
  nonisolated func leave(_ service: String, drain: Duration) { observe(.leave(service: service, drain: drain)) }

  func note(_ error: ControlError, about services: some Sequence<String>) {
    for service in services { members[service]?.error = error }
  }

  func change(_ service: String, _ edit: (inout Member) -> Void) {
    guard var member = members[service] else { return }
    edit(&member)
    members[service] = member
    context.changes.ring()
  }
}
