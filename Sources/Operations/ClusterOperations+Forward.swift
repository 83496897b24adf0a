import Agents
import ControlAPI
import Forward
import Intercept
import KubeAPI

extension ClusterOperations {
  public func forward(_ request: ForwardRequest, progress: @escaping Progress) async throws -> ForwardReport {
    let target = try ForwardTarget(parsing: request.target)
    let there = try await reach(request.cluster)
    let (client, namespace) = (there.client, there.namespace)
    // A wrong name or port is reported before anything is started in the cluster.
    for port in request.ports { _ = try await target.resolve(port.remote, client: client, namespace: namespace) }
    let link = try await gatewayLink(there, request.cluster, image: request.agentImage, progress)
    let forwarding = try Forwarding(
      id: "f\(nextForward)", request: request, namespace: namespace, client: client, link: link, log: log)
    nextForward += 1
    progress("connecting to the gateway")
    try await forwarding.start()
    forwards.append(forwarding)
    contexts[forwarding.id] = client.access.contextName
    return await forwarding.report(context: client.access.contextName)
  }

  func gatewayLink(
    _ there: ReachedCluster, _ cluster: ClusterSelection, image: String?, _ progress: @escaping Progress
  ) async throws(ControlError) -> AgentLink {
    let key = GatewayKey(cluster: there.identity, namespace: there.namespace, image: image)
    if let known = gateways[key] { return known.link }
    if let task = starting[key] { return try await task.value.get() }
    let task = Task { () -> Result<AgentLink, ControlError> in
      do throws(ControlError) {
        return .success(try await startGateway(there.client, cluster, key, progress))
      } catch {
        return .failure(error)
      }
    }
    starting[key] = task
    defer { starting[key] = nil }
    return try await task.value.get()
  }

  private func startGateway(
    _ client: KubeClient, _ cluster: ClusterSelection, _ key: GatewayKey, _ progress: @escaping Progress
  ) async throws(ControlError) -> AgentLink {
    let gateway = Gateway(
      client: client, installation: try installation(), cluster: key.cluster, namespace: key.namespace, holder: holder,
      records: agents, image: key.image
    ) { [journal] workload throws(ControlError) in
      try journal.add(Self.agentEntry(cluster, key.cluster, client, workload))
    }
    if let known = gateways[key] {
      // Someone with its token keeps our sessions out, so the next gateway gets another token.
      await known.link.stop()
      try? await gateway.remove()
      journal.remove(known.entry)
    }
    let identity: AgentIdentity
    let entry: Journal.Entry
    do throws(ControlError) {
      identity = try await gateway.ensure(progress: progress)
      entry = Self.agentEntry(cluster, key.cluster, client, identity.workload)
      // An agent that an earlier daemon made is now this one's to undo.
      try journal.add(entry)
      let pods = AgentPods(client: client, of: identity)
      _ = try await pods.running(within: .seconds(60), progress: progress)
    } catch {
      let name = gateway.workload
      do throws(ControlError) {
        try await gateway.remove()
        if let name { journal.remove(Self.agentEntry(cluster, key.cluster, client, name)) }
      } catch {
        log.error("the gateway could not be removed", metadata: ["why": "\(error.message)"])  // the journal keeps it
      }
      throw error
    }
    let link = await AgentLink(
      client: client, relay: relay, identity: identity, protocols: cluster.protocols, log: log)
    await link.whenReconnecting { () async throws(ControlError) in try await gateway.ensure(progress: nil) }
    gateways[key] = GatewayLink(gateway: gateway, link: link, entry: entry)
    await link.start()
    return link
  }

  /// Makes the journal's entry for an agent without a Service.
  static func agentEntry(
    _ cluster: ClusterSelection, _ identity: ClusterIdentity, _ client: KubeClient, _ workload: String
  ) -> Journal.Entry {
    var cluster = cluster
    cluster.context = client.access.contextName
    cluster.namespace = client.access.namespace
    return Journal.Entry(
      cluster: cluster, identity: identity, namespace: client.access.namespace, service: "", workload: workload)
  }

  public func stopForward(_ request: StopForwardRequest) async throws {
    guard let index = forwards.firstIndex(where: { $0.id == request.id }) else {
      let known = forwards.map { "\($0.id) (\($0.request.target))" }.joined(separator: ", ")
      throw ControlError(
        .notFound, "there is no forward '\(request.id)'", remedy: known.isEmpty ? nil : "There are: \(known).")
    }
    contexts[request.id] = nil
    await forwards.remove(at: index).stop()
    // The gateway stays for the next one; `quit` removes it.
  }
}
