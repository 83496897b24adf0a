import Agents
import ControlAPI
import KubeObjects

/// A Service's properties, and whether they allow an intercept (Kubernetes API, ServiceSpec).
struct ServiceRules {
  let service: JSONValue
  /// Endpoints of the Service that somebody else keeps; nil if they were not read.
  var foreign: ForeignEndpoints?
  private var name: String { service.place }

  var selector: [String: String] { service[path: "spec", "selector"]?.stringMap ?? [:] }
  var ports: [JSONValue] { service[path: "spec", "ports"]?.elements ?? [] }
  /// Those that an intercept can take over.
  private var streams: [JSONValue] { ports.filter { $0.transport == "TCP" } }
  /// UDP ports, which stay with the origin.
  var datagrams: [JSONValue] { ports.filter { $0.transport == "UDP" } }

  /// The agent's label in the selector; nil unless the Service is diverted already.
  var agent: String? { selector[AgentNames.agentLabel] }

  var isHeadless: Bool { service[path: "spec", "clusterIP"]?.stringValue == "None" }

  /// The field that keeps its traffic on the node where it arrives; nil if none does.
  var localPolicy: String? {
    ["internalTrafficPolicy", "externalTrafficPolicy"].first {
      service[path: "spec", $0]?.stringValue == "Local"
    }
  }

  /// Returns the reason why this Service cannot be intercepted, whatever its Pods; nil if it can.
  /// - Parameter isAsked: true if the user asked for a headless Service.
  func obstacle(headless isAsked: Bool) -> (reason: String, remedy: String)? {
    let spec = service["spec"] ?? [:]
    if spec["type"]?.stringValue == "ExternalName" {
      return (
        "Service \(name) is an ExternalName: it names a host outside the cluster, and has no Pods",
        "Intercept the Service that it refers to."
      )
    }
    if selector.isEmpty {
      return (
        "Service \(name) has no selector: somebody else keeps its endpoints" + (foreign?.list.map { " (\($0))" } ?? ""),
        "Intercept a Service that selects Pods."
      )
    }
    if isHeadless, !isAsked {
      return (
        "Service \(name) is headless: its clients ask DNS for the Pods and connect to them themselves",
        "--headless makes its name resolve to the agent: clients that ask DNS again arrive, those that keep an address "
          + "do not. Or intercept a Service with a cluster address that selects the same Pods."
      )
    }
    if spec["publishNotReadyAddresses"]?.boolValue == true {
      return (
        "Service \(name) publishes Pods that are not ready (publishNotReadyAddresses): "
          + "connections would reach the agent before it can take them, and after it has gone",
        "Set publishNotReadyAddresses to false while you intercept it."
      )
    }
    if ports.isEmpty {
      return ("Service \(name) declares no ports", "Intercept a Service of the same Pods that does.")
    }
    if let other = ports.first(where: { !["TCP", "UDP"].contains($0.transport) }) {
      return (
        "Service \(name) has port \(other.portLabel) of \(other.transport), which the agent could not pass on",
        "Put that port into a Service of its own."
      )
    }
    if streams.isEmpty {
      return (
        "Service \(name) has UDP ports alone, and an intercept takes over TCP ports",
        "Intercept a Service of the same Pods that has a TCP port."
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
    guard let port = streams.first(where: { Self.targetPort($0, template: template) == nil }) else { return nil }
    let target = port["targetPort"]?.stringValue ?? "none"
    return ControlError(
      .refused,
      "port \(port.portLabel) of Service \(name) targets '\(target)', which no container of \(workload) declares",
      remedy: "Declare a containerPort of that name, or target a number.")
  }

  /// Returns the reason why the places or names of these Pods do not allow an intercept; nil if they do.
  /// - Parameter pods: all that the Service selects.
  func refusal(of pods: [JSONValue]) -> ControlError? {
    let nodes = Set(pods.compactMap(\.nodeName))
    if let localPolicy, nodes.count > 1 {
      return ControlError(
        .refused,
        "Service \(name) has \(localPolicy): Local, and its Pods are on several nodes (\(Self.list(nodes.sorted()))): "
          + "the agent is on one, and the others would drop its traffic",
        remedy: "Set \(localPolicy) to Cluster while you intercept it, or keep its Pods on one node.")
    }
    let names = podNames(pods)
    if isHeadless, names.count > 1 {
      return ControlError(
        .refused,
        "Service \(name) gives each of its Pods a name in DNS "
          + "(\(Self.list(names.map { "\($0.hostname).\($0.subdomain)" }))): "
          + "the agent has one of them, and the others would not be found",
        remedy: "Scale the workload to one Pod, or intercept a Service with a cluster address that selects it.")
    }
    return nil
  }

  /// Returns the names of the Pods below the Service's own in DNS (Kubernetes API, PodSpec: `hostname`, `subdomain`).
  func podNames(_ pods: [JSONValue]) -> [PodName] {
    let names = pods.compactMap { pod -> PodName? in
      guard let hostname = pod[path: "spec", "hostname"]?.stringValue,
        let subdomain = pod[path: "spec", "subdomain"]?.stringValue, subdomain == service.name
      else { return nil }
      return PodName(hostname: hostname, subdomain: subdomain)
    }
    return Array(Set(names)).sorted { $0.hostname < $1.hostname }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
  }

  /// Returns its ports with their targets in the Pods, none of them taken over.
  func plannedPorts(_ template: JSONValue) -> [PlannedPort] {
    streams.compactMap { port in
      guard let number = port.portNumber, let target = Self.targetPort(port, template: template) else { return nil }
      var planned = PlannedPort(
        servicePort: Int(number), name: port.entryName, podPort: target, localPort: nil,
        speaksHTTP2: speaksHTTP2(port))
      planned.opaque = Self.opaque(port)
      return planned
    }
  }

  /// Warnings about clients that follow late, and on their own terms: those of DNS, load balancers that use Pod
  /// addresses; and about Pods that start elsewhere.
  var warnings: [String] {
    var warnings: [String] = []
    if isHeadless {
      warnings.append(
        "Service \(name) is headless: clients that ask DNS from now on arrive here; those that keep an address stay "
          + "with its Pods")
    }
    if let localPolicy {
      warnings.append(
        "Service \(name) has \(localPolicy): Local: the agent stays on its Pods' node, "
          + "and Pods that start on other nodes get no traffic of that node")
    }
    if !datagrams.isEmpty {
      warnings.append(
        "UDP stays with the origin, to which the agent passes it: port "
          + "\(datagrams.map(\.portLabel).joined(separator: ", ")) of Service \(name)")
    }
    if let list = foreign?.list {
      warnings.append(
        "Service \(name) has endpoints that somebody else keeps (\(list)): connections to those do not arrive here")
    }
    return warnings + loadBalancers
  }

  private var loadBalancers: [String] {
    let direct = [
      "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type", "cloud.google.com/neg",
      "service.beta.kubernetes.io/aws-load-balancer-type",
    ]
    return direct.filter { service.annotations[$0] != nil }.map {
      "annotation \($0): a load balancer that targets Pod addresses directly may follow late, both ways"
    }
  }

  /// Returns the Pods' port behind a Service's port: a number, or the name of a container's port.
  static func targetPort(_ port: JSONValue, template: JSONValue) -> UInt16? {
    let target = port["targetPort"] ?? port["port"]
    if let number = target?.intValue { return UInt16(exactly: number) }
    guard let name = target?.stringValue else { return nil }
    if let number = UInt16(name) { return number }
    return template.declaredPort(named: name, transport: port.transport)
  }

  /// Returns the protocol of a port whose connections are not plain HTTP, by its appProtocol, else by its name; nil if
  /// they may be.
  static func opaque(_ port: JSONValue) -> String? {
    let known = [
      "https", "tls", "ssl", "tcp", "mongo", "mysql", "postgres", "postgresql", "redis", "kubernetes.io/wss",
    ]
    guard let word = (port["appProtocol"]?.stringValue ?? port.entryName)?.lowercased() else { return nil }
    return known.first { word == $0 || word.hasPrefix($0 + "-") }
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
    return service.annotations.contains { key, value in
      // contour.heptio.com/upstream-protocol.h2c: "8080", projectcontour.io/upstream-protocol.h2: "grpc,8081"
      guard key.contains("upstream-protocol.h2") else { return false }
      return value.split(separator: ",").contains { entry in
        // Contour trims them.
        let words = entry.split(whereSeparator: \.isWhitespace)
        return words.count == 1 && port.isPort(String(words[0]))
      }
    }
  }
}
