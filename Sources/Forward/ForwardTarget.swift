import ControlAPI
import KubeAPI
import KubeObjects
import TunnelProtocol
import Workloads

/// The target that `SERVICE|KIND/NAME` names, and the addresses of its ports in the cluster.
public struct ForwardTarget: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case service
    case pod
    /// A workload: one of its ready Pods.
    case workload(APIResource)
  }

  public let kind: Kind
  public let name: String

  /// Parses `user`, `svc/user`, `pod/user-0`, `deployment/user` and kubectl's other spellings.
  public init(parsing text: String) throws(ControlError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
      throw ControlError(
        .badInput, "'\(text)' names nothing to forward to",
        remedy: "Write SERVICE, pod/NAME, deployment/NAME or statefulset/NAME.")
    }
    name = parts[parts.count - 1]
    guard parts.count == 2 else {
      kind = .service
      return
    }
    switch parts[0].lowercased() {
    case "service", "services", "svc": kind = .service
    case "pod", "pods", "po": kind = .pod
    case "deployment", "deployments", "deploy", "deployment.apps", "deployments.apps": kind = .workload(.deployments)
    case "statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps": kind = .workload(.statefulSets)
    case "daemonset", "daemonsets", "ds", "daemonset.apps", "daemonsets.apps": kind = .workload(.daemonSets)
    case "replicaset", "replicasets", "rs", "replicaset.apps", "replicasets.apps": kind = .workload(.replicaSets)
    default:
      throw ControlError(
        .badInput, "'\(parts[0])' is no kind to forward to",
        remedy: "Use service, pod, deployment, statefulset, daemonset or replicaset.")
    }
  }

  /// `user` for a Service, `pod/user-0` for others.
  var shortText: String {
    switch kind {
    case .service: name
    case .pod: "pod/\(name)"
    case .workload(let resource): "\(resource.kind.lowercased())/\(name)"
    }
  }

  /// Finds a port's present address.
  /// - Parameter port: by number or name; the Service's port, or the container's.
  /// - Throws: `ControlError` that names the existing ports.
  public func resolve(_ port: String, client: KubeClient, namespace: String) async throws(ControlError) -> Preamble {
    switch kind {
    case .service: try await service(port, client, namespace)
    case .pod:
      try Self.pod(port, try await get(.pods, client, namespace))
    case .workload(let resource):
      try Self.pod(port, try await readyPod(try await get(resource, client, namespace), client, namespace))
    }
  }

  func get(_ resource: APIResource, _ client: KubeClient, _ namespace: String) async throws(ControlError) -> JSONValue {
    let found = try await attempt("reading \(resource.kind) \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(resource, name, namespace: namespace)
    }
    guard let found else {
      throw ControlError(
        .notFound, "there is no \(resource.kind) '\(name)' in namespace \(namespace)",
        remedy: "`devtunnel list` shows the Services; -n chooses another namespace.")
    }
    return found
  }

  /// Finds the number of a Service's port.
  /// - Parameter port: by number or name, or "" for its only one, or the one for HTTP.
  func servicePort(_ port: String, client: KubeClient, namespace: String) async throws(ControlError) -> UInt16 {
    guard kind == .service else {
      throw ControlError(
        .badInput, "'\(name)' is no Service: intercepts take requests that come by a Service's address",
        remedy: "Name a Service, or use `devtunnel forward` for a Pod.")
    }
    return try Self.port(of: try await get(.services, client, namespace), port).number
  }

  private func service(_ port: String, _ client: KubeClient, _ namespace: String) async throws(ControlError) -> Preamble
  {
    let service = try await get(.services, client, namespace)
    if let preamble = try Self.address(of: service, port) { return preamble }
    let (_, chosen) = try Self.port(of: service, port)
    return try await headless(chosen, client, namespace)
  }

  /// Returns the address of a Service's port: its own, or the name that it refers to; nil for a headless one.
  static func address(of service: JSONValue, _ port: String) throws(ControlError) -> Preamble? {
    let (number, _) = try Self.port(of: service, port)
    if service[path: "spec", "type"]?.stringValue == "ExternalName",
      let external = service[path: "spec", "externalName"]?.stringValue
    {
      guard let preamble = Preamble(.tcp, port: number, name: Array(external.utf8)) else {
        throw ControlError(.failed, "\(service.label) has an externalName that is no valid name")
      }
      return preamble
    }
    guard let address = service[path: "spec", "clusterIP"]?.stringValue, address != "None",
      let bytes = Address.bytes(of: address)
    else { return nil }
    return Preamble(.tcp, port: number, address: bytes)
  }

  /// Finds a Service's port, by number or name.
  private static func port(of service: JSONValue, _ port: String) throws(ControlError) -> (
    number: UInt16, port: JSONValue
  ) {
    let ports = service[path: "spec", "ports"]?.elements ?? []
    if ports.isEmpty {
      // The API server allows that for headless Services: any port of its Pods is reached by their names.
      guard service[path: "spec", "clusterIP"]?.stringValue == "None", let number = UInt16(port), number > 0 else {
        throw ControlError(
          .notFound, "\(service.label) declares no ports, so none is called '\(port)'",
          remedy: "Give the number of a port of its Pods, or name one of them: pod/NAME.")
      }
      return (number, ["port": .init(Int(number))])
    }
    let tcp = ports.filter { $0.transport == "TCP" }
    if port.isEmpty {
      let web = tcp.first { $0.entryName == "http" } ?? tcp.first { $0.portNumber == 80 }
      guard let chosen = tcp.count == 1 ? tcp[0] : web, let number = chosen.portNumber else {
        throw ControlError(
          .notFound, "\(service.label) has several ports, and none of them is called http",
          remedy: "Name one: SERVICE:PORT. It has: \(Self.list(tcp)).")
      }
      return (number, chosen)
    }
    guard let chosen = tcp.first(where: { $0.isPort(port) }) else {
      throw ControlError(
        .notFound, "\(service.label) has no TCP port '\(port)'",
        remedy: "It has: \(Self.list(tcp)). Other ports of its Pods are reached by pod/NAME.")
    }
    guard let number = chosen.portNumber else {
      throw ControlError(.failed, "port '\(port)' of \(service.label) is no number from 1 to 65535")
    }
    return (number, chosen)
  }

  /// Finds a ready endpoint of a headless Service, which has no address of its own.
  private func headless(_ port: JSONValue, _ client: KubeClient, _ namespace: String) async throws(ControlError)
    -> Preamble
  {
    let slices = try await attempt("listing EndpointSlices of \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.list(
        .endpointSlices, namespace: namespace, labels: LabelSelector(matchLabels: ["kubernetes.io/service-name": name]))
    }
    if let preamble = Self.endpoint(in: slices.items, port) { return preamble }
    throw ControlError(
      .failed, "Service \(namespace)/\(name) has no ready endpoint",
      remedy: "Look at its Pods: kubectl -n \(namespace) get pods.")
  }

  /// Returns the first ready endpoint with that port of a Service; if the Service declares none, the port itself.
  static func endpoint(in slices: [JSONValue], _ port: JSONValue) -> Preamble? {
    for slice in slices where slice["addressType"]?.stringValue == "IPv4" {
      let ports = slice["ports"]?.elements ?? []
      let declared = ports.isEmpty ? port : ports.first { $0.portName == port.portName }
      guard let number = declared?.portNumber else { continue }
      for endpoint in slice.endpoints where endpoint.isReady {
        guard let address = endpoint.addresses.first, let bytes = Address.bytes(of: address) else { continue }
        return Preamble(.tcp, port: number, address: bytes)
      }
    }
    return nil
  }

  /// Returns the selector of a workload's Pods.
  static func selector(_ workload: JSONValue) -> LabelSelector {
    (try? LabelSelector(json: workload[path: "spec", "selector"] ?? [:])) ?? LabelSelector()
  }

  private func readyPod(_ workload: JSONValue, _ client: KubeClient, _ namespace: String) async throws(ControlError)
    -> JSONValue
  {
    let selector = Self.selector(workload)
    let pods = try await attempt("listing the Pods of \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.list(.pods, namespace: namespace, labels: selector)
    }
    guard let ready = NewestPod.of(pods.items) else {
      throw ControlError(.failed, "\(name) has no ready Pod", remedy: "Look at them: kubectl -n \(namespace) get pods.")
    }
    return ready
  }

  static func pod(_ port: String, _ pod: JSONValue) throws(ControlError) -> Preamble {
    guard let address = pod[path: "status", "podIP"]?.stringValue, let bytes = Address.bytes(of: address) else {
      throw ControlError(.failed, "Pod \(pod.place) has no address yet")
    }
    if let number = UInt16(port), number > 0 { return Preamble(.tcp, port: number, address: bytes) }
    guard let number = pod.declaredPort(named: port) else {
      let ports = pod.declaredPorts.filter { $0.transport == "TCP" }
      throw ControlError(
        .notFound, "Pod \(pod.place) has no TCP port '\(port)'",
        remedy: "It declares: \(list(ports)). A number needs no declaration.")
    }
    return Preamble(.tcp, port: number, address: bytes)
  }

  private static func list(_ ports: [JSONValue]) -> String {
    ports.isEmpty ? "none" : ports.map(\.portLabel).joined(separator: ", ")
  }
}

extension JSONValue {
  /// The Service for messages, such as `Service shop/user`.
  fileprivate var label: String { "Service \(place)" }
}
