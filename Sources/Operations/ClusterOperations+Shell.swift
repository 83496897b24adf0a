import Agents
import ControlAPI
import FoundationEssentials
import Intercept
import KubeAPI
import KubeObjects
import Logging
import Relay
import Shell
import ShellChannel
import Workloads

/// The key of an agent that shells share: one workload's in one cluster.
struct ShellAgentKey: Hashable {
  var cluster: ClusterIdentity
  var namespace: String
  var agent: String
}

/// An agent that shells of one workload share.
struct ShellAgentLink {
  var agent: ShellAgent
  var link: AgentLink
  var entry: Journal.Entry
  var users = 0
}

extension ClusterOperations {
  var shellSocket: String { settings.runtime + "/shell.sock" }

  // MARK: Starting

  public func shell(_ request: ShellRequest, progress: @escaping Progress) async throws -> ShellReport {
    _ = try OutboundPlan(request.outbound)
    let helper = try ShellProgram.find()
    guard await openShellHub() != nil else {
      throw ControlError(
        .failed, "the socket for shells, \(shellSocket), could not be made", remedy: "devtunnel logs says why.")
    }
    let there = try await reach(request.cluster)
    let (client, namespace) = (there.client, there.namespace)
    var resolved = request
    resolved.cluster.context = client.access.contextName
    resolved.cluster.namespace = namespace

    let seat = try await seat(for: resolved, there, progress)
    var made: ShellSession?
    do {
      let session = try ShellSession(
        resolved, cluster: there.identity, context: client.access.contextName, namespace: namespace,
        workload: seat.target?.workload.description, link: seat.link,
        runtime: settings.runtime, log: log)
      made = session
      shells.append(session)
      let environment = try await environment(seat, client)
      var report = try await session.prepare(
        target: seat.target, environment: environment, helper: helper, socket: shellSocket,
        progress: progress)
      report.intercept = seat.intercept
      report.warnings = client.access.warnings + (seat.intercept?.warnings ?? []) + report.warnings
      if Task.isCancelled { throw ControlError(.cancelled, "cancelled: no shell was opened") }
      awaitEntry(session)
      return report
    } catch {
      // Another task, even after a Ctrl-C: undoing must not be cancelled with the rest.
      await Task { [made, resolved] in
        if let made { await endShell(made) } else { await unseat(seat.link, resolved) }
      }.value
      throw error
    }
  }

  private func environment(_ seat: Seat, _ client: KubeClient) async throws(ControlError) -> [String: String] {
    // As a name, since not everyone may read Service default/kubernetes; its certificate has the name.
    let server = [
      "KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443",
      "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    ]
    guard let target = seat.target else { return server }
    let namespace = client.access.namespace
    try await seat.link.connected(within: .seconds(60))
    let (pod, services) = try await attempt("reading the agent's Pod and the Services of \(namespace)") {
      () async throws(KubeError) in
      var pod: JSONValue?
      if case .connected(let name) = await seat.link.state {
        pod = try await client.find(.pods, name, namespace: namespace)
      }
      guard target.workload.template[path: "spec", "enableServiceLinks"]?.boolValue != false else {
        return (pod, [JSONValue]())
      }
      let services = try await client.list(.services, namespace: namespace).items
      return (pod, services.filter { $0.labels[AgentNames.managedByLabel] != AgentNames.managedBy })
    }
    let own = try await WorkloadEnvironment(client: client, namespace: namespace).read(
      target.containerObject, pod: pod, services: services)
    return server.merging(own) { $1 }
  }

  private struct Seat {
    var link: AgentLink
    var target: ShellTarget?
    var intercept: InterceptReport?
  }

  /// Returns the agent whose place in the cluster the shell takes.
  private func seat(for request: ShellRequest, _ there: ReachedCluster, _ progress: @escaping Progress) async throws
    -> Seat
  {
    let (client, namespace) = (there.client, there.namespace)
    if var intercept = request.intercept {
      intercept.cluster = request.cluster
      var named = request
      named.service = intercept.service
      let target = try await ShellTarget.find(named, client: client, namespace: namespace)
      let (interception, report) = try await begin(intercept, insideShell: true, progress: progress)
      guard let link = await interception.link else {
        throw ControlError(.failed, "the intercept of \(intercept.service) has no tunnel")
      }
      return Seat(link: link, target: target, intercept: report)
    }
    guard let target = try await ShellTarget.find(request, client: client, namespace: namespace) else {
      return Seat(link: try await gatewayLink(there, request.cluster, image: request.agentImage, progress))
    }
    return Seat(link: try await shellAgentLink(target, request, there, progress), target: target)
  }

  private func shellAgentLink(
    _ target: ShellTarget, _ request: ShellRequest, _ there: ReachedCluster, _ progress: @escaping Progress
  ) async throws(ControlError) -> AgentLink {
    let (client, namespace) = (there.client, there.namespace)
    let agent = ShellAgent(
      client: client, installation: try installation(), cluster: there.identity, namespace: namespace, holder: holder,
      records: agents, target: target,
      image: request.agentImage
    ) { [journal] workload throws(ControlError) in
      try journal.add(Self.agentEntry(request.cluster, there.identity, client, workload))
    }
    let key = ShellAgentKey(cluster: there.identity, namespace: namespace, agent: agent.key)
    if let known = shellAgents[key] {
      shellAgents[key]?.users += 1
      return known.link
    }
    do throws(ControlError) {
      let identity = try await agent.ensure(progress: progress)
      let entry = Self.agentEntry(request.cluster, there.identity, client, identity.workload)
      // An agent that an earlier daemon made is now this one's to undo.
      try journal.add(entry)
      let pods = AgentPods(client: client, of: identity)
      _ = try await pods.running(within: .seconds(60), progress: progress)
      let link = await AgentLink(
        client: client, relay: relay, identity: identity, protocols: request.cluster.protocols, log: log)
      await link.whenReconnecting { () async throws(ControlError) in try await agent.ensure(progress: nil) }
      await link.whenStateChanges { [signal] _ in signal.ring() }
      // Another command may have come first meanwhile: the agent is the same, and has one session.
      if let known = shellAgents[key] {
        shellAgents[key]?.users += 1
        return known.link
      }
      shellAgents[key] = ShellAgentLink(agent: agent, link: link, entry: entry, users: 1)
      await link.start()
      return link
    } catch {
      if shellAgents[key] == nil {
        let name = agent.name
        do throws(ControlError) {
          try await agent.remove()
          if let name { journal.remove(Self.agentEntry(request.cluster, there.identity, client, name)) }
        } catch {
          // The journal keeps it.
          log.error(
            "a shell's agent could not be removed", metadata: ["agent": "\(name ?? "none")", "why": "\(error.message)"])
        }
      }
      throw error
    }
  }

  /// Ends the shell of a command that dies before it has started the helper.
  private func awaitEntry(_ session: ShellSession) {
    Task {
      try? await Task.sleep(for: .seconds(30))
      guard await !session.isEntered else { return }
      log.notice("no helper came for a shell", metadata: ["shell": "\(session.id.prefix(8))"])
      await endShell(session)
    }
  }

  // MARK: Helpers

  /// Opens the socket for helpers, once; returns nil if it could not be opened.
  func openShellHub() async -> OnLoop<ShellHub>? {
    if let shellHub { return await shellHub.value }
    let (events, feed) = AsyncStream.makeStream(of: ShellEvent.self)
    let (path, log, relay) = (shellSocket, log, relay)
    let opening = Task { () -> OnLoop<ShellHub>? in
      await relay.run { loop in
        do throws(ShellChannelError) {
          return OnLoop(try ShellHub(loop: loop, path: path, log: log) { feed.yield($0) }, on: loop)
        } catch {
          log.error("the socket for shells could not be made", metadata: ["why": "\(error)"])
          return nil
        }
      }
    }
    shellHub = opening
    Task { for await event in events { await handle(event) } }
    return await opening.value
  }

  private func handle(_ event: ShellEvent) async {
    switch event {
    case .hello(let peer, let hello):
      if let session = shells.first(where: { $0.id == hello.id }) { return await session.attach(peer, hello) }
      if let host = hosts.first(where: { $0.id == hello.id }) { return await enter(host, peer, hello) }
      guard resuming.insert(hello.id).inserted else { return }
      Task {
        await resume(peer, hello)
        resuming.remove(hello.id)
        endedEarly.remove(hello.id)
      }
    case .exiting(let id, _, let peer):
      let session = shells.first { $0.id == id }
      if session == nil, resuming.contains(id) { endedEarly.insert(id) }
      Task {
        if let session { await endShell(session) }
        relay.submit { loop in peer.get(on: loop).send(.bye) }
      }
    case .gone(let id):
      if let host = hosts.first(where: { $0.id == id }) { return await endHost(host) }
      guard let session = shells.first(where: { $0.id == id }) else {
        if resuming.contains(id) { endedEarly.insert(id) }
        return
      }
      log.notice("a shell's helper is gone", metadata: ["shell": "\(id.prefix(8))"])
      Task { await endShell(session) }
    }
  }

  private func enter(_ host: HostConnection, _ peer: OnLoop<ShellPeer>, _ hello: ShellHello) async {
    do throws(ControlError) {
      try await host.attach(peer, hello)
    } catch {
      relay.submit { loop in peer.get(on: loop).send(.refused("\(error)")) }
      await endHost(host)
    }
  }

  /// Resumes the shell of a helper whose daemon died.
  private func resume(_ peer: OnLoop<ShellPeer>, _ hello: ShellHello) async {
    do {
      guard let record = ShellRecords.read(runtime: settings.runtime, id: hello.id) else {
        throw ControlError(.notFound, "this daemon does not know the shell")
      }
      // The former daemon's intercept is undone first.
      if record.request.intercept != nil { while !isRecovered { try await Task.sleep(for: .milliseconds(50)) } }
      // Nobody is left for whom to intercept again.
      if endedEarly.contains(hello.id) { return ShellRecords.remove(runtime: settings.runtime, id: hello.id) }
      log.notice("a shell continues after another daemon", metadata: ["shell": "\(hello.id.prefix(8))"])
      let there = try await reach(record.request.cluster, again: record.cluster)
      let seat = try await seat(for: record.request, there) { [log] in log.info("\($0)") }
      let session = try ShellSession(record, link: seat.link, runtime: settings.runtime, log: log)
      shells.append(session)
      await session.takeOn(record)
      await session.attach(peer, hello)
      if endedEarly.contains(hello.id) { await endShell(session) }
    } catch {
      log.error("a shell could not continue", metadata: ["shell": "\(hello.id.prefix(8))", "why": "\(error)"])
      relay.submit { loop in peer.get(on: loop).send(.refused("\(error)")) }
    }
  }

  /// Gives helpers that lost their daemon a moment to reconnect, then removes records that belong to none of them.
  func awaitHelpers() async {
    let left = ShellRecords.all(runtime: settings.runtime)
    guard !left.isEmpty else { return }
    _ = await openShellHub()
    try? await Task.sleep(for: .seconds(2))
    while left.contains(where: { resuming.contains($0.id) && $0.request.intercept == nil }) {
      try? await Task.sleep(for: .milliseconds(50))
    }
    for record in left where !resuming.contains(record.id) && !shells.contains(where: { $0.id == record.id }) {
      ShellRecords.remove(runtime: settings.runtime, id: record.id)
    }
  }

  // MARK: Ending

  func endShell(_ session: ShellSession) async {
    guard shells.contains(where: { $0 === session }) else { return }
    shells.removeAll { $0 === session }
    await session.end()
    await unseat(session.link, session.request)
  }

  private func unseat(_ link: AgentLink, _ request: ShellRequest) async {
    if request.intercept != nil {
      for interception in interceptions where interception.isInsideShell {
        guard await interception.link === link else { continue }
        var leave = LeaveRequest(interception.id)
        leave.drain = 0
        do { _ = try await self.leave(leave) { _ in } } catch {
          log.error("leaving failed", metadata: ["service": "\(interception.id.service)", "why": "\(error)"])
        }
      }
      return
    }
    guard let key = shellAgents.first(where: { $0.value.link === link })?.key else { return }
    shellAgents[key]!.users -= 1
    guard shellAgents[key]!.users <= 0, let known = shellAgents.removeValue(forKey: key) else { return }
    await remove(known)
  }

  /// Removes a shell's agent.
  /// - Returns: the error for which it stays.
  @discardableResult
  private func remove(_ known: ShellAgentLink) async -> ControlError? {
    await known.link.stop()
    do {
      try await known.agent.remove()
      journal.remove(known.entry)
      return nil
    } catch {
      log.error(
        "a shell's agent could not be removed",
        metadata: ["agent": "\(known.entry.workload)", "why": "\(error.message)"])
      return error
    }
  }

  /// Ends all shells and proxies with the daemon: running shells lose their connection.
  /// - Returns: the errors of what could not be undone.
  func endOutbound() async -> [ControlError] {
    for host in hosts { await host.end() }
    hosts = []
    for proxy in proxies { await proxy.stop() }
    proxies = []
    for session in shells { await session.end() }
    shells = []
    var problems: [ControlError] = []
    for known in shellAgents.values { if let problem = await remove(known) { problems.append(problem) } }
    shellAgents = [:]
    return problems
  }
}
