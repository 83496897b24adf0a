import Agents
import ControlAPI
import KubeObjects

/// A Service's properties, and whether they allow an intercept (Kubernetes API, ServiceSpec).
struct ServiceRules {
  let service: JSONValue
  private var name: String { "\(service.namespace ?? "")/\(service.name ?? "")" }

  var selector: [String: String] { service[path: "spec", "selector"]?.stringMap ?? [:] }
  var ports: [JSONValue] { service[path: "spec", "ports"]?.elements ?? [] }

  /// The agent's label in the selector; nil unless the Service is diverted already.
  var agent: String? { selector[AgentNames.agentLabel] }

  /// The reason why this Service cannot be intercepted; nil if it can.
  var obstacle: (reason: String, remedy: String)? {
    let spec = service["spec"] ?? [:]
    if spec["type"]?.stringValue == "ExternalName" {
      return (
        "Service \(name) is an ExternalName: it names a host outside the cluster, and has no Pods",
        "Intercept the Service that it refers to."
      )
    }
    if spec["clusterIP"]?.stringValue == "None" {
      return (
        "Service \(name) is headless: its clients connect to the Pods themselves, which a selector cannot divert",
        "Intercept a Service with a cluster address that selects the same Pods."
      )
    }
    if selector.isEmpty {
      return (
        "Service \(name) has no selector: someone else manages its endpoints",
        "Intercept a Service that selects Pods."
      )
    }
    for key in ["internalTrafficPolicy", "externalTrafficPolicy"] where spec[key]?.stringValue == "Local" {
      return (
        "Service \(name) has \(key): Local: nodes without the agent's Pod would drop its traffic",
        "Set \(key) to Cluster while you intercept it."
      )
    }
    if let other = ports.first(where: { Self.transport($0) != "TCP" }) {
      return (
        "Service \(name) has port \(other["port"]?.intValue ?? 0) of \(Self.transport(other)), "
          + "which an intercept cannot carry yet",
        "Put that port into a Service of its own."
      )
    }
    return nil
  }

  /// Returns the reason why these Pods cannot be intercepted; nil if they can.
  /// - Parameters:
  ///   - template: of a workload, or a Pod.
  ///   - workload: the containers' owner, for the message.
  func refusal(of template: JSONValue, workload: String) -> ControlError? {
    let spec = template["spec"] ?? [:]
    if spec["hostNetwork"]?.boolValue == true {
      return ControlError(
        .refused, "the Pods of Service \(name) use the node's network: the agent's ports would clash with theirs",
        remedy: "Intercept a workload without hostNetwork.")
    }
    if spec[path: "os", "name"]?.stringValue == "windows"
      || spec[path: "nodeSelector", "kubernetes.io/os"]?.stringValue == "windows"
    {
      return ControlError(.refused, "the Pods of Service \(name) run on Windows nodes; the agent runs on Linux only")
    }
    guard let port = ports.first(where: { Self.targetPort($0, template: template) == nil }) else { return nil }
    let target = port["targetPort"]?.stringValue ?? ""
    return ControlError(
      .refused,
      "port \(port["port"]?.intValue ?? 0) of Service \(name) targets '\(target)', "
        + "which no container of \(workload) declares",
      remedy: "Declare a containerPort of that name, or target a number.")
  }

  /// Warnings about load balancers that use Pod addresses: they follow the EndpointSlices late, and on their own terms.
  var warnings: [String] {
    let direct = [
      "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type", "cloud.google.com/neg",
      "service.beta.kubernetes.io/aws-load-balancer-type",
    ]
    return direct.filter { service.annotations[$0] != nil }.map {
      "annotation \($0): a load balancer that targets Pod addresses directly may follow late, both ways"
    }
  }

  static func transport(_ port: JSONValue) -> String { port["protocol"]?.stringValue ?? "TCP" }

  /// Returns the Pods' port behind a Service's port: a number, or the name of a container's port.
  static func targetPort(_ port: JSONValue, template: JSONValue) -> UInt16? {
    let target = port["targetPort"] ?? port["port"]
    if let number = target?.intValue { return UInt16(exactly: number) }
    guard let name = target?.stringValue else { return nil }
    if let number = UInt16(name) { return number }
    let containers = template[path: "spec", "containers"]?.elements ?? []
    let declared = containers.flatMap { $0["ports"]?.elements ?? [] }.first {
      $0.entryName == name && transport($0) == "TCP"
    }
    return declared?["containerPort"]?.intValue.flatMap { UInt16(exactly: $0) }
  }

  /// Checks whether a port carries HTTP/2, whose clients keep one connection for days: by appProtocol, by the port's
  /// name, or by an ingress's annotation.
  func speaksHTTP2(_ port: JSONValue) -> Bool {
    let known = ["kubernetes.io/h2c", "http2", "h2c", "h2", "grpc", "grpc-web"]
    if let application = port["appProtocol"]?.stringValue.map({ $0.lowercased() }) {
      return known.contains(application)
    }
    if let name = port.entryName.map({ $0.lowercased() }),
      known.contains(where: { name == $0 || name.hasPrefix($0 + "-") })
    {
      return true
    }
    let number = String(port["port"]?.intValue ?? 0)
    return service.annotations.contains { key, value in
      // contour.heptio.com/upstream-protocol.h2c: "8080", projectcontour.io/upstream-protocol.h2: "grpc,8081"
      guard key.contains("upstream-protocol.h2") else { return false }
      return value.split(separator: ",").contains { $0 == number || $0 == port.entryName ?? "" }
    }
  }
}
