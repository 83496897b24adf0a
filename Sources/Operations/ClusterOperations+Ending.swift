import Agents
import Bastion
import ControlAPI
import Forward
import Intercept
import KubeAPI
import Relay
import Shell

/// What others left is undone, and what this daemon holds is ended.
extension ClusterOperations {
  public func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport {
    let client = try await reach(request.cluster)
    let namespace = client.access.namespace
    // What this daemon holds itself is left in good order first.
    let own = interceptions.filter { $0.namespace == namespace && (request.service == nil || $0.request.service == request.service) }
    var done: [String] = []
    for interception in own {
      guard request.force else { continue }
      progress("leaving \(interception.request.service)")
      try await interception.leave(progress: progress)
      interceptions.removeAll { $0 === interception }
      await interception.giveUp()
      _ = await interception.finish(drain: .seconds(5))
      done.append("Service \(namespace)/\(interception.request.service) has been left")
    }
    if !own.isEmpty, !request.force {
      let names = own.map(\.request.service).joined(separator: ", ")
      throw ControlError(.conflict, "\(names) is intercepted from here", remedy: "`devtunnel leave`, or `devtunnel restore --yes` to end it at once.")
    }
    let entries = journal.all.filter { $0.namespace == namespace && (request.service == nil || $0.service == request.service) }
    var report: RestoreReport
    do throws(ControlError) {
      report = try await Restorer(client: client, namespace: namespace, holder: holder).restore(service: request.service, force: request.force, progress: progress)
    } catch {
      // With a namespace goes the right to look into it: the journal would name it for ever.
      guard request.force, error.code == .forbidden, !entries.isEmpty else { throw error }
      report = RestoreReport(
        done: ["the journal names nothing in \(namespace) any more; what may stand there was left alone: \(error.message)"], left: [])
    }
    report.done = done + report.done
    for entry in entries where report.left.isEmpty {
      journal.remove(entry)
      unrecovered[entry] = nil
    }
    return report
  }

  public func recover() async {
    defer { isRecovered = true }
    let entries = journal.all
    for entry in entries where !entry.service.isEmpty { unrecovered[entry] = staying(entry, "left by an earlier daemon, and being undone") }
    await awaitHelpers()
    for entry in entries {
      do {
        let client = try open(entry.cluster)
        try await enterBastion(entry.cluster, context: client.access.contextName)
        if entry.service.isEmpty {
          guard !gateways.values.contains(where: { $0.gateway.namespace == entry.namespace && $0.gateway.workload == entry.workload }),
            !shellAgents.values.contains(where: { $0.entry == entry })
          else { continue }
          try await AgentDeployer(
            client: client, installation: try Installation.find(),
            manifests: AgentManifests(workload: entry.workload, namespace: entry.namespace, holder: holder)
          ).remove()
          journal.remove(entry)
          continue
        }
        let restorer = Restorer(client: client, namespace: entry.namespace, holder: holder)
        let report = try await restorer.restore(service: entry.service, force: false, progress: nil)
        log.notice("restored what an earlier daemon left", metadata: ["service": "\(entry.namespace)/\(entry.service)", "done": "\(report.done)"])
        // What another holder has by now is theirs to end; it is no longer ours to undo.
        if report.left.isEmpty { journal.remove(entry) }
        unrecovered[entry] = nil
      } catch {
        log.error("could not restore what an earlier daemon left", metadata: ["service": "\(entry.namespace)/\(entry.service)", "why": "\(error)"])
        guard !entry.service.isEmpty else { continue }
        unrecovered[entry] = staying(
          entry, "left by an earlier daemon, and not undone: \(error.message); `devtunnel restore -n \(entry.namespace)` tries again, and with --yes "
            + "forgets what you may not look for")
      }
    }
  }

  /// How `status` shows what an earlier daemon has left.
  private func staying(_ entry: Journal.Entry, _ message: String) -> InterceptReport {
    InterceptReport(
      context: entry.cluster.context ?? "", namespace: entry.namespace, service: entry.service, workload: entry.workload, state: .leaving, ports: [],
      holder: holder, since: "", message: message)
  }

  public func shutDown(progress: @escaping Progress) async -> [ControlError] {
    var problems: [ControlError] = []
    for interception in interceptions {
      progress("leaving \(interception.request.service)")
      await interception.giveUp()
      do throws(ControlError) {
        try await interception.leave(progress: progress)
        _ = await interception.finish(drain: .seconds(5))
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
      await item.interception.giveUp()
      await item.task.value
      if let problem = await item.interception.remains { problems.append(problem) }
    }
    for known in gateways.values {
      progress("removing the gateway in \(known.gateway.namespace)")
      await known.link.stop()
      do {
        try await known.gateway.remove()
        journal.remove(gatewayEntry(known.cluster, known.gateway))
      } catch {
        log.error("the gateway could not be removed", metadata: ["why": "\(error.message)"])
        problems.append(error)
      }
    }
    gateways = [:]
    bastions.closeAll()
    for (entry, staying) in unrecovered where journal.all.contains(entry) {
      problems.append(ControlError(.incomplete, "\(entry.namespace)/\(entry.service): \(staying.message ?? "")"))
    }
    return problems
  }
}
