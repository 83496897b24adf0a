import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import Workloads

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

// The steps in the cluster. Each reads what it needs anew: the machine's facts may be late.

extension InterceptedWorkload {
  func perform(_ step: Step) async -> Outcome {
    if let standIn, step.lane != .cluster { return await standIn(step) }
    do throws(ControlError) {
      switch step {
      case .join(let wishes): return try await join(wishes)
      case .verify: return .read(try await claims.read()?.claims)
      case .divert(let service): return try await divert(service)
      case .restore(let service, let always): return try await restore(service, always)
      case .release(let services): return try await release(services)
      case .clean: return try await clean()
      case .scaleDown: return try await scaleDown()
      case .scaleUp: return try await scaleUp()
      case .drain(_, let ports, let limit): return .drained(cut: await drain(ports, within: limit))
      case .probe, .admit, .arrive, .turn, .unturn, .retire: return try await ask(step)
      }
    } catch {
      note(error, about: services(of: step))
      return .failed(Failure(error.message, isPassing: error.code == .unreachable || error.code == .timedOut))
    }
  }

  /// The Services that a step is about.
  private func services(of step: Step) -> [String] {
    switch step {
    case .join(let wishes): wishes.map(\.service)
    case .divert(let service), .restore(let service, _), .arrive(let service), .drain(let service, _, _): [service]
    case .release(let services), .clean(let services): Array(services)
    case .probe(let port), .turn(let port, _, _), .unturn(let port, _):
      members.filter { $0.value.plan.listen.contains(port) }.map(\.key)
    case .verify, .scaleDown, .scaleUp, .admit, .retire: Array(members.keys)
    }
  }

  private static let forgotten = Outcome.failed(Failure("the Service is not intercepted any more", isPassing: false))

  // MARK: Claims

  private func join(_ wishes: [Wish]) async throws(ControlError) -> Outcome {
    guard let first = wishes.first, let member = members[first.service] else { return Self.forgotten }
    let takesOver = wishes.contains { $0.takesOver }
    var contention = Contention()
    repeat {
      let found = try await claims.read()
      var new = found?.claims ?? Claims()
      // Before anything is changed.
      let plan = member.plan
      if let other = found?.deployment.annotations[AgentNames.kindAnnotation], other != plan.workload.kind {
        throw Explanation.otherKind(other, workload: plan.workload.description)
      }
      let living = try await lease.living(
        among: Self.rivals(of: wishes, in: new, machine.holder), progress: member.progress)
      if !living.isEmpty { return refuse(wishes, new, living) }
      if let found, !found.hasRecord, !takesOver, let former = try await former() { return .conflict([former]) }
      do throws(KubeError) { try await lease.renew() } catch {
        throw ControlError(error, doing: "writing Lease \(namespace)/\(lease.name)")
      }
      keepLease()
      for wish in wishes {
        if wish.replaces { for other in new.holders.subtracting([machine.holder]) { new.remove(holder: other) } }
        new.take(
          wish.ports, of: wish.service, for: machine.holder, rules: wish.rules, since: Timestamp.seconds(.now))
      }
      let (deployer, template) = try await agent(for: member)
      // All who use the agent would lose it.
      let others = new.holders.subtracting([machine.holder])
      var users: Set<String> = []
      if !takesOver { users = try await lease.living(among: others, progress: member.progress) }
      let joining = wishes.map(\.service)
      let isOurs = members.keys.contains { !joining.contains($0) && machine.phase(of: $0) == .active }
      if let found, let standing = try await deployer.existing(found.deployment),
        try await deployer.stands(
          standing, as: template, from: plan.workload.template, inUseFor: isOurs || !users.isEmpty ? plan.selector : nil
        )
      {
        guard try await claims.write(new, over: found) else { continue }
        wasClosing = found.claims.closer != nil
        try await giveBack(found.claims, unless: new)
        try await connect(to: standing, member)
        return .joined(new, agent: standing.uid)
      }
      if let found {
        if Self.isChanging(found, users) { continue }
        guard users.isEmpty else {
          throw Explanation.otherAgent(of: users, workload: plan.workload.description, reader: context.holder)
        }
        for other in others { new.remove(holder: other) }
        // Those who lose their claims do not divert again then what is given back.
        guard try await claims.write(new, over: found) else { continue }
        try await giveBackAll(plan)
      }
      member.progress?("starting the agent in place of \(plan.workload.description)")
      let identity: AgentIdentity
      do throws(ControlError) {
        identity = try await deployer.deploy(
          template: template, from: plan.workload.template, selector: plan.selector,
          replacing: found.map { .agent(uid: $0.uid) } ?? .nothing,
          annotations: [
            ClaimsRecord.annotation: ClaimsRecord.text(new), AgentNames.kindAnnotation: plan.workload.kind,
          ])
      } catch {
        // Someone else has made, or replaced, the agent meanwhile.
        if error.code == .notFound { continue }
        guard error.code == .conflict, try await claims.read()?.uid != found?.uid else { throw error }
        continue
      }
      try await connect(to: identity, member)
      return .joined(new, agent: identity.uid)
    } while await contention.waits()
    throw ControlError(.conflict, "the claims on the agent of \(workload) keep changing", remedy: "Try again.")
  }

  /// Checks whether someone is about to make the agent, or to replace it: they have just claimed a port of it.
  private static func isChanging(_ found: AgentClaims.Found, _ users: Set<String>) -> Bool {
    isChanging(found.claims, users, isStarted: found.deployment[path: "spec", "replicas"]?.intValue != 0, at: .now)
  }

  /// - Parameter isStarted: true once its maker has made all of it.
  static func isChanging(_ claims: Claims, _ users: Set<String>, isStarted: Bool, at now: Date) -> Bool {
    guard !users.isEmpty else { return false }
    let since = claims.all.filter { users.contains($0.claim.holder) }.compactMap { Timestamp.parse($0.claim.since) }
    guard let newest = since.max() else { return !isStarted }
    // A time in the future is another clock's, and says nothing.
    return (-5..<(isStarted ? 10.0 : 30)).contains(now.timeIntervalSince(newest))
  }

  /// Returns the holders who have the wanted ports, or rules there; for a Service whose origin is scaled to zero, all
  /// others.
  static func rivals(of wishes: [Wish], in claims: Claims, _ holder: String) -> Set<String> {
    wishes.reduce(into: []) { rivals, wish in
      guard !wish.takesOver else { return }
      rivals.formUnion(
        wish.replaces
          ? claims.holders.subtracting([holder]) : claims.others(than: holder, on: wish.ports, rules: wish.rules))
    }
  }

  private func refuse(_ wishes: [Wish], _ claims: Claims, _ living: Set<String>) -> Outcome {
    for wish in wishes {
      guard let plan = members[wish.service]?.plan else { continue }
      note(
        Explanation.conflict(claims, living, plan: plan, rules: wish.rules, reader: context.holder),
        about: [wish.service])
    }
    return .conflict(living)
  }

  /// Gives the Services back that nobody claims any more: their holder may not live.
  private func giveBack(_ former: Claims, unless present: Claims) async throws(ControlError) {
    let lost = Set(former.all.flatMap(\.claim.services)).subtracting(members.keys)
    for service in lost.sorted() where !present.contains(service: service) {
      try await ServiceDivert.restore(client: client.within(.seconds(8)), namespace: namespace, service: service)
    }
  }

  /// Returns the holder of an agent that a version without claims made, if they live: their Lease has the agent's name.
  private func former() async throws(ControlError) -> String? {
    let held = try await lease.looks.read(
      AgentNames.base(workload), namespace: namespace, client: client, progress: nil
    ) { [holder = context.holder] in $0.isSame(as: holder, inJournal: true) }.held
    guard let held, held.isFresh, !held.holder.isSame(as: context.holder, inJournal: true) else { return nil }
    return held.holder.identity
  }

  /// Gives every Service back that selects an agent that has to be replaced.
  private func giveBackAll(_ plan: InterceptPlan) async throws(ControlError) {
    let names = try await DivertedServices(client: client, namespace: namespace, workload: workload).giveBack()
    for name in names {
      _ = try await ServiceEndpoints.wait(
        client: client, namespace: namespace, service: name, workload: workload, within: .seconds(15)
      ) { !$0.origin.isEmpty }
    }
  }

  private func divert(_ service: String) async throws(ControlError) -> Outcome {
    guard let plan = members[service]?.plan else { return Self.forgotten }
    let found = try await claims.read()
    let isOurs = found?.claims.all.contains {
      $0.claim.holder == machine.holder && $0.claim.services.contains(service)
    }
    guard isOurs == true else { return .read(found?.claims) }
    try await ServiceDivert(
      client: client.within(.seconds(10)), namespace: namespace, service: service, workload: workload,
      selector: plan.selector
    ).divert(holder: context.holder.name)
    return .done
  }

  private func restore(_ service: String, _ always: Bool) async throws(ControlError) -> Outcome {
    if !always, let found = try await claims.read() {
      let isOthers =
        found.hasRecord
        ? !found.claims.others(than: machine.holder, of: service).isEmpty : try await former() != nil
      if isOthers { return .kept }
    }
    try await ServiceDivert.restore(client: client.within(.seconds(8)), namespace: namespace, service: service)
    if always, try await claims.read()?.uid != identity?.uid { observe(.agentDeleted) }
    return .done
  }

  private func release(_ services: Set<String>) async throws(ControlError) -> Outcome {
    var contention = Contention()
    repeat {
      guard let found = try await claims.read() else {
        // A Service that selects an agent that is gone has no endpoint.
        try await diverted.giveBack()
        return .released(isLast: false)
      }
      // `clean` decides whose an agent without a record is.
      guard found.hasRecord else { return .released(isLast: false) }
      var new = found.claims
      new.remove(services, of: machine.holder)
      // A former attempt's answer may have been lost.
      if new == found.claims { return .released(isLast: new.isEmpty && new.closer == machine.holder) }
      // A Service that still selects the agent would have no endpoint.
      if new.isEmpty { try await diverted.giveBack() }
      // Those who kept it diverted may have left since, and would not come back to it.
      for service in services where machine.services[service]?.isKept == true && !new.contains(service: service) {
        try await ServiceDivert.restore(client: client.within(.seconds(8)), namespace: namespace, service: service)
      }
      if try await claims.write(new, over: found) { return .released(isLast: new.isEmpty) }
    } while await contention.waits()
    throw ControlError(.conflict, "the claims on the agent of \(workload) keep changing", remedy: "Try again.")
  }

  private var diverted: DivertedServices {
    DivertedServices(client: client.within(.seconds(8)), namespace: namespace, workload: workload)
  }

  private func clean() async throws(ControlError) -> Outcome {
    var contention = Contention()
    return try await clean(&contention)
  }

  private func clean(_ contention: inout Contention) async throws(ControlError) -> Outcome {
    let found = try await claims.read()
    let isToGo =
      if let found, found.claims.isEmpty {
        found.hasRecord ? found.claims.closer == machine.holder : try await former() == nil
      } else { false }
    if let found, isToGo {
      let removal = AgentRemoval(client: client.within(.seconds(10)), namespace: namespace, workload: workload)
      do throws(ControlError) {
        try await removal.remove(uid: found.uid, resourceVersion: found.deployment.resourceVersion)
      } catch {
        // Its status changes too: look again.
        guard error.code == .conflict, await contention.waits() else { throw error }
        return try await clean(&contention)
      }
    } else if let found, found.claims.holders.contains(machine.holder) {
      return .done
    }
    await stopRenewals()
    try await lease.remove()
    return .done
  }

  // MARK: Replicas

  private func scaleDown() async throws(ControlError) -> Outcome {
    for member in members.values where member.request.replace {
      try await Replicas.scaleToZero(client: client, namespace: namespace, workload: member.plan.workload)
    }
    return .done
  }

  private func scaleUp() async throws(ControlError) -> Outcome {
    for member in members.values where member.request.replace {
      let origin = member.plan.workload
      member.progress?("scaling \(origin.description) back to \(origin.replicas)")
      try await Replicas.restore(
        client: client.within(.seconds(8)), namespace: namespace, resource: origin.resource ?? .deployments,
        name: origin.name, replicas: origin.replicas)
      guard let port = member.plan.ports.first(where: { $0.localPort != nil })?.agentPort else { continue }
      // The Service is given back once the origin answers: until then its agent lets connections wait. Without an
      // agent nobody does, and nothing is won by waiting.
      for _ in 0..<120 where machine.hasAgent(for: member.plan.service) {
        if (try? await isReached(port)) == true { break }
        try? await Task.sleep(for: .milliseconds(500))
      }
    }
    return .done
  }
}
