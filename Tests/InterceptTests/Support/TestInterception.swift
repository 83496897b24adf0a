import Agents
import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Logging
import Relay
import Synchronization
import Workloads

@testable import Intercept

/// An intercept of Service `web` in a fake cluster, by `alice@laptop`: its machine is the real one, and its agent
/// answers as a test says.
struct TestInterception {
  let interception: Interception
  let workload: InterceptedWorkload
  let journal: Journal
  let cluster: FakeCluster
  let server: FakeAPIServer

  /// Returns once it is active.
  func start() async throws {
    let deployment = try await workload.client.get(.deployments, "web", namespace: "shop")
    let plan = InterceptPlan(
      namespace: "shop", service: "web", workload: Workload(deployment, resource: .deployments), container: "web",
      ports: [PlannedPort(servicePort: 80, name: "http", podPort: 8080, localPort: 8080, speaksHTTP2: false)],
      listen: [8080], selector: ["app": "web"], nodes: [], warnings: [])
    try await interception.take(plan, nil) { _ in }
  }

  /// Tries a step that failed once more, at once.
  func again(_ step: Step) async { workload.observe(.finished(step, await workload.perform(step))) }

  /// The requests that changed the cluster, such as `DELETE devtunnel-web`.
  func changes(_ method: String) -> [String] {
    server.requests.filter { $0.method == method }.map { $0.path.split(separator: "/").last.map(String.init) ?? "" }
  }
}

/// - Parameters:
///   - rules: those of the intercept; nil for all that arrives.
///   - agent: the agent's answer to a step; nil for one that works.
func withInterception(
  rules: RequestRules? = nil,
  agent: @escaping @Sendable (Step, FakeCluster) -> Outcome? = { _, _ in nil },
  _ body: (TestInterception) async throws -> Void
) async throws {
  let folder = FileManager.default.temporaryDirectory.path + "/devtunnel-intercept-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try "a program".write(toFile: folder + "/devtunnel-agent-amd64", atomically: true, encoding: .utf8)
  let cluster = FakeCluster()
  let server = FakeAPIServer { cluster.answer($0) }
  defer { server.stop() }
  guard let relay = RelayThread() else { throw ControlError(.failed, "no descriptors") }
  defer { relay.stop() }
  let context = InterceptContext(
    client: try server.client(), relay: relay, installation: Installation(share: folder),
    journal: Journal(path: folder + "/journal"), protocols: .auto, holder: "alice@laptop",
    log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  let identity = ClusterIdentity(server: "https://fake")
  let workload = InterceptedWorkload(cluster: identity, namespace: "shop", workload: "web", context: context)
  await workload.standIn { step in
    if let outcome = agent(step, cluster) { return outcome }
    switch step {
    case .admit: return .admitted(isSteady: true)
    case .drain: return .drained(cut: 0)
    case .retire: cluster.retire()
    default: break
    }
    return .done
  }
  var request = InterceptRequest(cluster: ClusterSelection(), service: "web", ports: [])
  request.rules = rules
  let interception = Interception(request, cluster: identity, namespace: "shop", context: context) { _, _ in workload }
  try await body(
    TestInterception(
      interception: interception, workload: workload, journal: context.journal, cluster: cluster, server: server))
  await workload.end()
}

extension InterceptedWorkload {
  fileprivate func standIn(_ answer: @escaping @Sendable (Step) -> Outcome) {
    standIn = { answer($0) }
  }

  /// Ends the feeds, so that they ask no server that is gone.
  fileprivate func end() {
    for member in members.values { for feed in member.feeds { feed.cancel() } }
    renewal?.cancel()
  }

  /// Renews the Lease now, as its keeper does.
  func renewInBackground() {
    renewal?.cancel()
    renewal = Task { await self.renew() }
  }
}

/// Asks again until it is so.
func eventually(within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool) async rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try await isSo() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
