import ControlAPI
import Shell

extension ClusterOperations {
  public func connect(_ request: ConnectRequest, progress: @escaping Progress) async throws -> OutboundReport {
    _ = try OutboundPlan(request.outbound)
    let client = try await reach(request.cluster)
    let link = try await gatewayLink(client, request.cluster, image: request.agentImage, progress)
    let proxy = ProxyConnection(id: "p\(nextProxy)", request, context: client.access.contextName, namespace: client.access.namespace, link: link)
    nextProxy += 1
    progress("connecting to the gateway")
    try await proxy.start()
    proxies.append(proxy)
    return await proxy.report()
  }

  public func disconnect(_ request: DisconnectRequest) async throws {
    let known = proxies.map(\.id).joined(separator: ", ")
    if request.id == nil, proxies.count > 1 { throw ControlError(.badInput, "there are several: \(known)", remedy: "Name one.") }
    guard let index = proxies.firstIndex(where: { request.id == nil || $0.id == request.id }) else {
      throw ControlError(
        .notFound, request.id.map { "there is no proxy '\($0)'" } ?? "there is no proxy", remedy: known.isEmpty ? nil : "There are: \(known).")
    }
    await proxies.remove(at: index).stop()
  }
}
