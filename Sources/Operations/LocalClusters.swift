import ControlAPI
import FoundationEssentials
import KubeAPI
import Outbound
import Shell

/// Finds clusters on this machine, whose own addresses a whole machine's routes must leave alone.
extension ClusterOperations {
  /// Returns what this machine uses: its routes, and the ranges of clusters on it.
  /// - Parameter request: names contexts that the user says are here; others are found by the address of their API
  ///   server.
  func taken(_ request: ConnectRequest, by routes: HostRoutes, besides client: KubeClient) async throws(ControlError)
    -> [HostRanges.Taken]
  {
    var taken = routes.taken
    for name in request.localContexts {
      var selection = request.cluster
      selection.context = name
      selection.bastion = nil
      let ranges = await ClusterRanges.read(client: try await reach(selection).client).all
      guard !ranges.isEmpty else {
        throw ControlError(
          .refused,
          "the address ranges of context \(name) are not known: "
            + "these credentials may read neither ServiceCIDRs nor nodes",
          remedy: "Use credentials that may.")
      }
      taken += try Self.ownedBy(name, ranges)
    }
    for (name, found) in nearby(request.cluster, routes, besides: client) where !request.localContexts.contains(name) {
      taken += try await Self.ownedBy(name, ClusterRanges.read(client: found.within(.seconds(3))).all)
    }
    return taken
  }

  /// Returns the ranges that another cluster may keep for itself: none can be so large that nothing is left to route.
  private static func ownedBy(_ context: String, _ ranges: [CIDR]) throws(ControlError) -> [HostRanges.Taken] {
    try LedRanges(cluster: ranges, asked: []).ranges.map { .init($0, owner: "context \(context)", isCluster: true) }
  }

  /// Returns the kubeconfig's other contexts whose API server is on this machine or on one of its networks.
  private func nearby(_ cluster: ClusterSelection, _ routes: HostRoutes, besides client: KubeClient) -> [(
    String, KubeClient
  )] {
    var environment = ProcessInfo.processInfo.environment
    environment["KUBECONFIG"] = cluster.kubeconfig.isEmpty ? nil : cluster.kubeconfig.joined(separator: ":")
    guard let file = (try? Kubeconfig.load(environment: environment)) ?? nil else { return [] }
    let own = ClusterIdentity(client.access, bastion: cluster.bastion)
    return file.contexts.compactMap { context in
      guard let access = try? file.access(context: context.name), isNearby(access.server.host, routes),
        !ClusterIdentity(access, bastion: nil).hasSameAddress(as: own)
      else { return nil }
      var found = KubeClient(access, log: log)
      found.retry = RetryPolicy(attempts: 1)
      return (context.name, found)
    }
  }

  private func isNearby(_ host: String, _ routes: HostRoutes) -> Bool {
    guard let address = IPAddress(parsing: host) else { return host == "localhost" }
    if address == .loopback { return true }
    return routes.routes.contains { $0.range.length > 0 && $0.range.contains(address) }
  }
}
