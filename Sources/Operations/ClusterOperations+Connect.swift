import ControlAPI
import FoundationEssentials
import KubeAPI
import Outbound
import Shell

extension ClusterOperations {
  public func connect(_ request: ConnectRequest, progress: @escaping Progress) async throws -> OutboundReport {
    _ = try OutboundPlan(request.outbound)
    let there = try await reach(request.cluster)
    let client = there.client
    let link = try await gatewayLink(there, request.cluster, image: request.agentImage, progress)
    let proxy = ProxyConnection(
      id: "p\(nextProxy)", request, context: client.access.contextName, namespace: client.access.namespace, link: link)
    nextProxy += 1
    progress("connecting to the gateway")
    try await proxy.start()
    proxies.append(proxy)
    return await proxy.report()
  }

  public func connectHost(_ request: ConnectRequest, progress: @escaping Progress) async throws -> ShellReport {
    let plan = try OutboundPlan(request.outbound)
    let helper = try ShellProgram.find()
    guard hosts.isEmpty else {
      throw ControlError(
        .conflict, "this machine is connected already",
        remedy: "End the other devtunnel connect --host first; devtunnel status shows its pid.")
    }
    guard await openShellHub() != nil else {
      throw ControlError(
        .failed, "the socket for helpers, \(shellSocket), could not be made", remedy: "devtunnel logs says why.")
    }
    let there = try await reach(request.cluster)
    let client = there.client
    progress("reading the cluster's address ranges")
    let named = await ClusterRanges.read(client: client).all
    let ledRanges = try LedRanges(cluster: named, asked: plan.rules.viaCluster)
    guard !ledRanges.ranges.isEmpty else {
      throw ControlError(
        .refused,
        named.isEmpty
          ? "the cluster's address ranges are not known: these credentials may read neither ServiceCIDRs nor nodes"
          : ledRanges.notes.joined(separator: "; "),
        remedy: "Ask an administrator, and name them: --via-cluster 10.96.0.0/12 --via-cluster 10.244.0.0/16.")
    }
    let places = try request.mapInto.map { text throws(ControlError) in try Self.place(text) }
    let sshHost = try bastions.connection(request.cluster.bastion, context: client.access.contextName)?.1.settings.host
    let way = await wayToServer(client, sshHost: sshHost, environment: ProcessInfo.processInfo.environment).map(
      CIDR.init)
    let taken =
      try await way.map { .init($0, owner: "the route to the API server") }
      + taken(request, by: HostRoutes.read(), besides: client)
    let known = try HostRanges(ledRanges, taken: taken, places: places.isEmpty ? FreeRange.places : places)
    let link = try await gatewayLink(there, request.cluster, image: request.agentImage, progress)
    let connection = try HostConnection(
      request, context: client.access.contextName, namespace: client.access.namespace, link: link, ranges: known,
      excluded: way + taken.filter(\.isCluster).map(\.range), runtime: settings.runtime)
    hosts.append(connection)
    do {
      let report = try await connection.prepare(helper: helper, socket: shellSocket)
      Task {
        try? await Task.sleep(for: .seconds(60))
        if await !connection.isEntered { await endHost(connection) }
      }
      return report
    } catch {
      await endHost(connection)
      throw error
    }
  }

  private static func place(_ text: String) throws(ControlError) -> CIDR {
    do { return try CIDR(parsing: text) } catch {
      throw ControlError(.badInput, "--map-into: \(error.message)", remedy: error.remedy)
    }
  }

  func endHost(_ connection: HostConnection) async {
    guard hosts.contains(where: { $0 === connection }) else { return }
    hosts.removeAll { $0 === connection }
    await connection.end()
  }

  public func disconnect(_ request: DisconnectRequest) async throws {
    let known = proxies.map(\.id).joined(separator: ", ")
    if request.id == nil, proxies.count > 1 {
      throw ControlError(.badInput, "there are several: \(known)", remedy: "Name one.")
    }
    guard let index = proxies.firstIndex(where: { request.id == nil || $0.id == request.id }) else {
      throw ControlError(
        .notFound, request.id.map { "there is no proxy '\($0)'" } ?? "there is no proxy",
        remedy: known.isEmpty ? nil : "There are: \(known).")
    }
    await proxies.remove(at: index).stop()
  }
}
