import KubeObjects
import LabStore
import Synchronization
import Testing

/// Watches a cluster for the moment at which an agent is deleted while a Service still selects it.
final class Audit: Sendable {
  private let store: ObjectStore
  private let events = Mutex<[(resource: Resource, event: WatchEvent)]>([])
  private let agent: String

  /// - Parameter workload: the one whose agent is watched.
  init(_ cluster: PocketCluster, workload: String = "web") async throws {
    store = cluster.store
    agent = workload
    for resource in [Resource.deployments, .services] {
      let (items, revision) = await store.list(resource, namespace: "shop")
      events.withLock { events in
        events += items.map { (resource, WatchEvent(kind: .added, object: $0, previous: nil, revision: 0)) }
      }
      let stream = try await store.watch(resource, after: revision)
      Task { [weak self] in
        for await event in stream {
          guard let self else { return }
          self.events.withLock { $0.append((resource, event)) }
        }
      }
    }
  }

  /// The Services that selected the agent when it was deleted.
  func violations() async throws -> [String] {
    let (_, last) = await store.list(.services, namespace: nil)
    // Both watches have seen everything once both have seen a change from after it.
    for resource in [Resource.deployments, .services] {
      let mark: JSONValue = ["metadata": ["name": "audit", "namespace": "shop"]]
      _ = try await store.create(resource, mark)
    }
    try await eventually("the audit has seen everything") {
      let seen = events.withLock { $0.filter { $0.event.revision > last && $0.event.object.name == "audit" } }
      return Set(seen.map(\.resource)).count == 2
    }
    var services: [String: JSONValue] = [:]
    var found: [String] = []
    for (resource, event) in events.withLock({ $0 }).sorted(by: { $0.event.revision < $1.event.revision }) {
      let name = event.object.name ?? ""
      if resource == .services {
        services[name] = event.kind == .deleted ? nil : event.object
      } else if name == "devtunnel-\(agent)", event.kind == .deleted || event.object.isBeingDeleted {
        let selecting = services.values.filter { service in
          service[path: "spec", "selector"]?.stringMap["devtunnel.dev/agent"] == agent
            && service.name?.hasPrefix("devtunnel-") == false
        }
        found += selecting.compactMap(\.name)
      }
    }
    return found.sorted()
  }
}
