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

  public func stopForward(_ request: StopForwardRequest) async throws {
    guard let index = forwards.firstIndex(where: { $0.id == request.id }) else {
      let known = forwards.map { "\($0.id) (\($0.request.target))" }.joined(separator: ", ")
      throw ControlError(
        .notFound, "there is no forward '\(request.id)'", remedy: known.isEmpty ? nil : "There are: \(known).")
    }
    contexts[request.id] = nil
    await forwards.remove(at: index).stop()
    // The gateway stays for the next one, for a time; `quit` removes it.
  }
}
