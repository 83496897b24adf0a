import KubeObjects
import LabStore

/// Writes the EndpointSlices of each Service that has a selector: the Pods it selects, and on which ports they listen.
struct EndpointSliceController: Controller {
  static let serviceLabel = "kubernetes.io/service-name"
  static let managedByLabel = "endpointslice.kubernetes.io/managed-by"
  static let manager = "endpointslice-controller.k8s.io"
  /// Kubernetes' default for `--max-endpoints-per-slice`.
  private static let sliceLimit = 100

  let store: any ObjectStoring

  var name: String { "endpointslice" }
  var triggers: [Trigger] {
    let store = store
    return [
      .itself(.services),
      Trigger(.pods) { pod, previous in
        await store.list(.services, namespace: pod.namespace).items.filter { service in
          [pod, previous].contains { $0.map { Self.selects(service, $0) } ?? false }
        }.map { $0.key(.services) }
      },
      Trigger(.endpointSlices) { slice, _ in
        guard let service = slice.labels[Self.serviceLabel], slice.labels[Self.managedByLabel] == Self.manager else {
          return []
        }
        return [ObjectKey(.services, namespace: slice.namespace, name: service)]
      },
    ]
  }

  func reconcile(_ key: ObjectKey) async throws -> Duration? {
    guard let service = try? await store.get(key), !service.isTerminating, Self.hasSelector(service) else { return nil }
    var existing = await store.list(.endpointSlices, namespace: key.namespace).items.filter {
      $0.labels[Self.serviceLabel] == key.name && $0.labels[Self.managedByLabel] == Self.manager
        && $0.ownerReferences.contains { $0["uid"]?.stringValue == service.uid }
    }
    for wanted in try await slices(of: service) {
      // A slice keeps its ports for life, as clients that watch it expect.
      if let index = existing.firstIndex(where: { $0["ports"] == wanted["ports"] }) {
        let slice = existing.remove(at: index)
        _ = try await store.update(slice.key(.endpointSlices)) { object in
          object["endpoints"] = wanted["endpoints"]
          object[path: "metadata", "labels"] = wanted[path: "metadata", "labels"]
        }
      } else {
        _ = try await store.create(.endpointSlices, wanted)
      }
    }
    for slice in existing { _ = try await store.delete(slice.key(.endpointSlices), grace: nil) }
    return nil
  }

  // MARK: Slices

  private func slices(of service: JSONValue) async throws -> [JSONValue] {
    var groups: [JSONValue: [JSONValue]] = [:]
    for pod in await store.list(.pods, namespace: service.namespace).items
    where Self.selects(service, pod) && !pod.hasEnded {
      guard let endpoint = Self.endpoint(pod, of: service) else { continue }
      groups[Self.ports(of: service, on: pod), default: []].append(endpoint)
    }
    // Without a Pod there is still one slice, so that "no endpoints" differs from "not looked at yet".
    if groups.isEmpty { groups[[]] = [] }
    return groups.flatMap { ports, endpoints in
      stride(from: 0, to: max(1, endpoints.count), by: Self.sliceLimit).map { start in
        Self.slice(service, ports, Array(endpoints.dropFirst(start).prefix(Self.sliceLimit)))
      }
    }
  }

  private static func slice(_ service: JSONValue, _ ports: JSONValue, _ endpoints: [JSONValue]) -> JSONValue {
    var labels = service.labels
    labels[serviceLabel] = service.name
    labels[managedByLabel] = manager
    if service[path: "spec", "clusterIP"] == "None" { labels["service.kubernetes.io/headless"] = "" }
    return [
      "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1",
      "metadata": [
        "generateName": .string(service.name + "-"), "namespace": .string(service.namespace),
        "labels": JSONValue(labels),
        "ownerReferences": [service.ownerReference(to: .service)],
      ], "addressType": "IPv4", "endpoints": .array(endpoints), "ports": ports,
    ]
  }

  private static func endpoint(_ pod: JSONValue, of service: JSONValue) -> JSONValue? {
    guard let address = pod[path: "status", "podIP"]?.stringValue, !address.isEmpty else { return nil }
    let isServing = pod.isReadyPod
    let isReady = service[path: "spec", "publishNotReadyAddresses"] == true || (isServing && !pod.isTerminating)
    var endpoint: JSONValue = [
      "addresses": [.string(address)],
      "conditions": ["ready": .bool(isReady), "serving": .bool(isServing), "terminating": .bool(pod.isTerminating)],
      "targetRef": [
        "kind": "Pod", "namespace": .string(pod.namespace), "name": .string(pod.name), "uid": .string(pod.uid),
      ],
    ]
    endpoint["nodeName"] = pod[path: "spec", "nodeName"]
    if let host = pod[path: "spec", "hostname"], pod[path: "spec", "subdomain"]?.stringValue == service.name {
      endpoint["hostname"] = host
    }
    return endpoint
  }

  /// The Service's ports as this Pod has them: a named target port is that Pod's own, and one that it lacks is left
  /// out.
  private static func ports(of service: JSONValue, on pod: JSONValue) -> JSONValue {
    let ports = (service[path: "spec", "ports"]?.elements ?? []).compactMap { port -> JSONValue? in
      let kind = port["protocol"]?.stringValue ?? "TCP"
      guard let number = targetPort(port["targetPort"] ?? port["port"], kind, on: pod) else { return nil }
      var result: JSONValue = ["name": port["name"] ?? "", "port": JSONValue(number), "protocol": .string(kind)]
      result["appProtocol"] = port["appProtocol"]
      return result
    }
    return .array(ports)
  }

  private static func targetPort(_ target: JSONValue?, _ kind: String, on pod: JSONValue) -> Int? {
    guard let name = target?.stringValue else { return target?.intValue }
    return pod.declaredPort(named: name, transport: kind).map { Int($0) }
  }

  // MARK: Selection

  private static func hasSelector(_ service: JSONValue) -> Bool {
    service[path: "spec", "selector"]?.objectValue?.isEmpty == false && service[path: "spec", "type"] != "ExternalName"
  }

  private static func selects(_ service: JSONValue, _ pod: JSONValue) -> Bool {
    hasSelector(service)
      && LabelSelector(labels: service[path: "spec", "selector"]?.stringMap ?? [:]).matches(pod.labels)
  }
}
