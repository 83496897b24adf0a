import Agents
import Bastion
import ControlAPI
import Forward
import Intercept
import KubeAPI
import Relay
import Shell

/// Undoes what others left, and ends what this daemon holds.
extension ClusterOperations {
  public func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport {
    let there = try await reach(request.cluster)
    let (client, namespace) = (there.client, there.namespace)
    // This daemon's own intercepts are left in good order first.
    let own = interceptions.filter {
      $0.id.cluster == there.identity && $0.namespace == namespace
        && (request.service == nil || $0.request.service == request.service)
    }
    var done: [String] = []
    for interception in own {
      guard request.force else { continue }
      progress("leaving \(interception.request.service)")
      try await interception.leave(drain: .seconds(5), progress: progress)
      interceptions.removeAll { $0 === interception }
      _ = await interception.finish()
      done.append("Service \(namespace)/\(interception.request.service) has been left")
    }
    if !own.isEmpty, !request.force {
      let names = own.map(\.request.service).joined(separator: ", ")
      throw ControlError(
        .conflict, "\(names) is intercepted from here",
        remedy: "`devtunnel leave`, or `devtunnel restore --yes` to end it at once.")
    }
    let named = journal.all.filter {
      $0.namespace == namespace && (request.service == nil || $0.service == request.service)
    }
    let entries = named.filter { identity(of: $0) == there.identity }
    // An entry whose cluster no context reaches any more can only be forgotten, and only by its name.
    let astray = named.filter { entry in
      entry.cluster.context == there.context && entry.cluster.kubeconfig == request.cluster.kubeconfig
        && !entries.contains(entry) && !isHeld(entry)
    }
    var keeping: Set<String> = []
    for interception in interceptions
    where interception.id.cluster == there.identity && interception.namespace == namespace {
      if let workload = await interception.heldWorkload { keeping.insert(workload) }
    }
    // Forwards and shells of ours go on.
    for entry in gateways.values.map(\.entry) + shellAgents.values.map(\.entry)
    where entry.namespace == namespace && identity(of: entry) == there.identity { keeping.insert(entry.workload) }
    var report: RestoreReport
    do throws(ControlError) {
      let restorer = Restorer(
        client: client, namespace: namespace, holder: holder, journaled: Set(entries.map(\.workload)))
      report = try await restorer.restore(
        service: request.service, force: request.force, keeping: keeping, progress: progress)
    } catch {
      // A deleted namespace takes the right to read it along: the journal would name it forever.
      guard request.force, error.code == .forbidden, !entries.isEmpty else { throw error }
      report = RestoreReport(
        done: [
          "the journal no longer names anything in \(namespace); nothing there was touched: \(error.message)"
        ], left: [])
    }
    report.done = done + report.done
    for entry in entries where report.left.isEmpty {
      journal.remove(entry)
      unrecovered[entry] = nil
    }
    for entry in astray where request.force {
      journal.remove(entry)
      unrecovered[entry] = nil
      report.done.append(
        "the journal no longer names \(entry.namespace)/\(entry.service.isEmpty ? entry.workload : entry.service): "
          + "it is in a cluster that context \(there.context) referred to before; nothing there was touched")
    }
    return report
  }

  public func recover() async {
    defer { isRecovered = true }
    let entries = journal.all.map(located)
    former = entries.filter { !$0.service.isEmpty }
    for entry in entries where !entry.service.isEmpty {
      unrecovered[entry] = staying(entry, "left by an earlier daemon, and being undone")
    }
    let undoing = Task {
      await awaitHelpers()
      for entry in entries { await undo(entry) }
    }
    for entry in entries { recoveries[place(of: entry)] = undoing }
    await undoing.value
    recoveries = [:]
  }

  /// Adds the cluster to an entry of a former format, as far as the kubeconfig names it, even while the cluster is
  /// away.
  private func located(_ entry: Journal.Entry) -> Journal.Entry {
    guard entry.identity?.access == nil, let seen = seen(entry) else { return entry }
    var new = entry
    new.identity = known.identity(of: seen)
    do throws(ControlError) { try journal.replace(entry, by: new) } catch { return entry }
    return new
  }

  private func place(of entry: Journal.Entry) -> WorkloadPlace {
    WorkloadPlace(cluster: identity(of: entry) ?? .unknown, namespace: entry.namespace, workload: entry.workload)
  }

  /// Undoes an earlier daemon's changes in one cluster; those that cannot be undone stay in the journal, and `status`
  /// gives the reason.
  private func undo(_ entry: Journal.Entry) async {
    do {
      let wanted = identity(of: entry)
      let there = try await reach(entry.cluster)
      guard wanted == there.identity else {
        throw ControlError(.conflict, "context \(there.context) refers to another cluster now")
      }
      if entry.service.isEmpty {
        guard !gateways.values.contains(where: { $0.entry.isSame(as: entry) }),
          !shellAgents.values.contains(where: { $0.entry.isSame(as: entry) })
        else { return }
        let deployer = AgentDeployer(
          client: there.client, installation: try installation(),
          manifests: AgentManifests(workload: entry.workload, namespace: entry.namespace, holder: holder))
        if let owner = try await deployer.removeOwn(inJournal: true) {
          log.notice(
            "an agent was left alone",
            metadata: ["agent": "\(entry.namespace)/\(entry.workload)", "holder": "\(owner.told(to: holder))"])
        }
        journal.remove(entry)
        return
      }
      let restorer = Restorer(
        client: there.client, namespace: entry.namespace, holder: holder, journaled: [entry.workload])
      let report = try await restorer.restore(service: entry.service, force: false, progress: nil)
      log.notice(
        "restored what an earlier daemon left",
        metadata: ["service": "\(entry.namespace)/\(entry.service)", "done": "\(report.done)"])
      // If another holder has taken something over since, it is theirs to end, and no longer ours to undo.
      if report.left.isEmpty { journal.remove(entry) }
      unrecovered[entry] = nil
    } catch {
      let problem = (error as? ControlError)?.message ?? "\(error)"
      log.error(
        "could not restore what an earlier daemon left",
        metadata: ["service": "\(entry.namespace)/\(entry.service)", "why": "\(problem)"])
      guard !entry.service.isEmpty else { return }
      let context = entry.cluster.context.map { " --context \($0)" } ?? ""
      unrecovered[entry] = staying(
        entry,
        "left by an earlier daemon, and not undone: \(problem); `devtunnel restore -n \(entry.namespace)\(context)` "
          + "tries again, and with --yes forgets what you may not read or what is in another cluster")
    }
  }

  /// Makes the report in which `status` shows an earlier daemon's intercept.
  private func staying(_ entry: Journal.Entry, _ message: String) -> InterceptReport {
    InterceptReport(
      context: entry.cluster.context ?? "", cluster: entry.identity ?? .unknown, namespace: entry.namespace,
      service: entry.service,
      workload: entry.workload, state: .leaving, ports: [], holder: holder.name, since: "", message: message)
  }

  public func shutDown(progress: @escaping Progress) async -> [ControlError] {
    var problems: [ControlError] = []
    for interception in interceptions {
      progress("leaving \(interception.request.service)")
      do throws(ControlError) {
        try await interception.leave(drain: .seconds(5), progress: progress)
        _ = await interception.finish(givesUp: true)
        if let problem = await interception.remains { problems.append(problem) }
      } catch {
        log.error("leaving failed", metadata: ["service": "\(interception.request.service)", "why": "\(error)"])
        problems.append(error)
      }
    }
    interceptions = []
    for forwarding in forwards { await forwarding.stop() }
    forwards = []
    problems += await endOutbound()
    for item in closing.values {
      _ = await item.interception.finish(givesUp: true)
      if let problem = await item.interception.remains { problems.append(problem) }
    }
    gatewayKeeper?.cancel()
    for known in gateways.values {
      progress("removing the gateway in \(known.gateway.namespace)")
      await known.link.stop()
      do {
        try await known.gateway.remove()
        journal.remove(known.entry)
      } catch {
        log.error("the gateway could not be removed", metadata: ["why": "\(error.message)"])
        problems.append(error)
      }
    }
    gateways = [:]
    bastions.closeAll()
    for (entry, staying) in unrecovered where journal.all.contains(entry) {
      let problem = staying.message ?? "it was not undone"
      problems.append(ControlError(.incomplete, "\(entry.namespace)/\(entry.service): \(problem)"))
    }
    return problems
  }
}
