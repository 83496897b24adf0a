import Agents
import ControlAPI
import Intercept
import KubeAPI

// Agents without a workload, which forwards, shells, proxies and joined clusters share.

extension ClusterOperations {
  func gatewayLink(
    _ there: ReachedCluster, _ cluster: ClusterSelection, image: String?, _ progress: @escaping Progress
  ) async throws(ControlError) -> AgentLink {
    let key = GatewayKey(cluster: there.identity, namespace: there.namespace, image: image)
    if let known = gateways[key] {
      gateways[key]?.used = .now
      return known.link
    }
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
    await link.whenStateChanges { [signal] _ in signal.ring() }
    gateways[key] = GatewayLink(gateway: gateway, link: link, entry: entry, used: .now)
    endIdleGateways()
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

  // MARK: Idle ones

  /// Ends gateways that nobody has used for `settings.gatewayIdle`, as long as there are any: each costs its node
  /// memory, and the namespace a Pod of its quota.
  private func endIdleGateways() {
    guard gatewayKeeper == nil else { return }
    gatewayKeeper = Task { [weak self, pause = settings.gatewayIdle / 10] in
      while (try? await Task.sleep(for: pause)) != nil {
        guard await self?.endIdleGatewaysOnce() == true else { return }
      }
    }
  }

  /// Returns false once no gateway is left.
  private func endIdleGatewaysOnce() async -> Bool {
    let inUse = await linksInUse()
    for (key, known) in gateways {
      if inUse.contains(ObjectIdentifier(known.link)) {
        gateways[key]?.used = .now
      } else if gateways[key]?.link === known.link, let used = gateways[key]?.used,
        .now - used >= settings.gatewayIdle
      {
        gateways[key] = nil
        log.info("a gateway that nobody uses is removed", metadata: ["namespace": "\(key.namespace)"])
        await known.link.stop()
        do {
          try await known.gateway.remove()
          // One that was started meanwhile has the same entry.
          if gateways[key] == nil, starting[key] == nil { journal.remove(known.entry) }
        } catch {
          log.error("the gateway could not be removed", metadata: ["why": "\(error.message)"])  // the journal keeps it
        }
      }
    }
    if gateways.isEmpty { gatewayKeeper = nil }
    return !gateways.isEmpty
  }

  private func linksInUse() async -> Set<ObjectIdentifier> {
    var links = forwards.map(\.link) + proxies.map(\.link) + hosts.map(\.link) + shells.map(\.link)
    for workload in workloads.values { links += await workload.joinedLinks }
    return Set(links.map { ObjectIdentifier($0) })
  }
}
