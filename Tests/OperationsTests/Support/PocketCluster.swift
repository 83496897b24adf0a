import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import LabAPI
import LabStore
import Logging
import TestSupport
import Testing

/// The lab's control plane with a node that runs nothing: a cluster without root, on a free port of this machine.
struct PocketCluster: Sendable {
  /// The kubeconfig's context.
  let context: String
  let kubeconfig: String
  let store: ObjectStore
  let client: KubeClient

  static let limitedToken = "limited-token", limitedName = "limited"

  /// Runs clusters of these contexts around a test, each with Deployment `web` and its Services `web` and `web-alt` in
  /// namespace `shop`.
  static func run(_ contexts: String..., test: @Sendable @escaping ([PocketCluster]) async throws -> Void) async throws
  {
    try await run(contexts[...], [], test)
  }

  private static func run(
    _ contexts: ArraySlice<String>, _ made: [PocketCluster],
    _ test: @Sendable @escaping ([PocketCluster]) async throws -> Void
  ) async throws {
    guard let context = contexts.first else { return try await test(made) }
    try await run(context) { try await run(contexts.dropFirst(), made + [$0], test) }
  }

  private static func run(_ context: String, _ test: @Sendable @escaping (PocketCluster) async throws -> Void)
    async throws
  {
    let directory = FileManager.default.temporaryDirectory.path + "/devtunnel-pocket-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = ObjectStore()
    let node = IdleNode(store: store)
    let configuration = LabConfiguration(stateDirectory: directory, tokens: [limitedToken: limitedName])
    let server = LabServer(configuration: configuration, store: store, node: node, logger: quiet)
    let (isReady, ready) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { ready.finish() }
        try await server.run { _ in ready.yield() }
      }
      group.addTask { try await node.run() }
      for await _ in isReady {
        let text = try String(contentsOfFile: configuration.kubeconfigPath, encoding: .utf8)
        try text.replacing("devtunnel-lab", with: context).replacing("lab-admin", with: "\(context)-admin").write(
          toFile: configuration.kubeconfigPath, atomically: true, encoding: .utf8)
        let client = KubeClient(
          try ClusterAccess.load(kubeconfig: configuration.kubeconfigPath, namespace: "shop"), log: quiet)
        let cluster = PocketCluster(
          context: context, kubeconfig: configuration.kubeconfigPath, store: store, client: client)
        try await cluster.fill()
        try await test(cluster)
        break
      }
      group.cancelAll()
    }
  }

  static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  /// This cluster among others, by its context's name.
  func selection(among clusters: [PocketCluster] = []) -> ClusterSelection {
    ClusterSelection(
      kubeconfig: clusters.isEmpty ? [kubeconfig] : clusters.map(\.kubeconfig), context: context, namespace: "shop")
  }

  private func fill() async throws {
    try await client.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]], as: .namespaces)
    let template: JSONValue = [
      "metadata": ["labels": ["app": "web"]],
      "spec": ["containers": [["name": "web", "image": "web:1", "ports": [["name": "http", "containerPort": 8080]]]]],
    ]
    try await client.create(
      [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "shop"],
        "spec": ["replicas": 1, "selector": ["matchLabels": ["app": "web"]], "template": template],
      ], as: .deployments, namespace: "shop")
    for name in ["web", "web-alt"] { try await addService(name, selector: ["app": "web"]) }
  }

  func addService(_ name: String, selector: [String: String]) async throws {
    try await client.create(
      [
        "apiVersion": "v1", "kind": "Service", "metadata": ["name": JSONValue(name), "namespace": "shop"],
        "spec": ["selector": JSONValue(selector), "ports": [["name": "http", "port": 80, "targetPort": "http"]]],
      ], as: .services, namespace: "shop")
  }

  func selector(of service: String = "web") async throws -> [String: String] {
    try await client.get(.services, service, namespace: "shop")[path: "spec", "selector"]?.stringMap ?? [:]
  }

  /// The agent of workload `web`, unless it is being deleted.
  func agent() async throws -> JSONValue? {
    let found = try await client.find(.deployments, "devtunnel-web", namespace: "shop")
    return found?.isBeingDeleted == true ? nil : found
  }

  /// The holders' Leases.
  func leases() async throws -> [String] {
    try await client.list(.leases, namespace: "shop").items.compactMap(\.name).filter { $0.hasPrefix("devtunnel-") }
  }

  /// Makes the agent's Pods ready, or lets them fail their readiness.
  func setAgents(ready: Bool) async throws {
    for pod in await store.list(.pods, namespace: "shop").items where pod.name?.hasPrefix("devtunnel-web-") == true {
      _ = try await store.update(ObjectKey(.pods, namespace: "shop", name: pod.name ?? "")) { pod in
        pod[path: "status", "conditions"] = [
          ["type": "PodScheduled", "status": "True"], ["type": "Ready", "status": ready ? "True" : "False"],
        ]
      }
    }
  }

  /// Returns true if the Service is as it was before any intercept.
  func isItself(_ service: String = "web") async throws -> Bool {
    let object = try await client.get(.services, service, namespace: "shop")
    return object[path: "spec", "selector"]?.stringMap == ["app": "web"]
      && !object.annotations.keys.contains { $0.contains("devtunnel") }
  }
}

/// A node that runs nothing: it calls every Pod ready that is bound to it, and removes those that are to go.
private struct IdleNode: NodeStreams {
  let store: ObjectStore

  func connect(namespace: String, pod: String, port: UInt16) async throws -> Int32 {
    throw NodeStreamError(.connectionRefused, "nothing runs here")
  }

  func logs(
    namespace: String, pod: String, container: String?, options: LogOptions
  ) async throws -> AsyncThrowingStream<[UInt8], any Error> { AsyncThrowingStream { $0.finish() } }

  func exec(namespace: String, pod: String, _ request: ExecRequest) async throws -> ExecProcess {
    throw NodeStreamError(.failed, "nothing runs here")
  }

  func run() async throws {
    let (pods, revision) = await store.list(.pods, namespace: nil)
    for pod in pods { try await sync(pod) }
    for await event in try await store.watch(.pods, after: revision) where event.kind != .deleted {
      try await sync(event.object)
    }
  }

  private func sync(_ pod: JSONValue) async throws {
    let key = ObjectKey(.pods, namespace: pod.namespace ?? "", name: pod.name ?? "")
    do {
      if pod.isBeingDeleted {
        _ = try await store.delete(key, grace: nil)
      } else if pod[path: "spec", "nodeName"] != nil, pod[path: "status", "podIP"] == nil {
        _ = try await store.update(key) { Self.start(&$0) }
      }
    } catch StoreError.notFound {}
  }

  private static func start(_ pod: inout JSONValue) {
    let address = JSONValue("10.99.\(Int.random(in: 0...255)).\(Int.random(in: 1...254))")
    pod[path: "status", "phase"] = "Running"
    pod[path: "status", "podIP"] = address
    pod[path: "status", "podIPs"] = [["ip": address]]
    pod[path: "status", "conditions"] = [
      ["type": "PodScheduled", "status": "True"], ["type": "Ready", "status": "True"],
    ]
    pod[path: "status", "containerStatuses"] = .array(
      (pod[path: "spec", "containers"]?.elements ?? []).map { container in
        [
          "name": container["name"] ?? "", "ready": true, "started": true, "restartCount": 0,
          "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
        ]
      })
  }
}

/// Asks again until it is so.
func eventually(
  _ what: String, within limit: Duration = .seconds(40), at location: SourceLocation = #_sourceLocation,
  _ isSo: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try await isSo() { return }
    try await Task.sleep(for: .milliseconds(20))
  }
  Issue.record("not within \(limit): \(what)", sourceLocation: location)
}

/// A port of this machine on which something listens.
final class Listening {
  let port: UInt16
  private let descriptor: Int32

  init() { (descriptor, port) = listening() }
  deinit { close(descriptor) }
}
