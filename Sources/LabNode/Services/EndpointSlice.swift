import KubeObjects

struct ServiceName: Hashable, Sendable {
  var namespace: String
  var name: String
}

/// The parts of a `discovery.k8s.io/v1` EndpointSlice that address translation and DNS read.
struct EndpointSlice: Sendable, Hashable {
  struct Endpoint: Sendable, Hashable {
    var addresses: [IPv4Address]
    var hostname: String?
    /// An absent condition reads as ready, as the API says.
    var isReady: Bool
    /// Still answers although it is going away.
    var isServing: Bool
    var isTerminating: Bool
  }

  struct Port: Sendable, Hashable {
    var name: String
    var proto: String
    var number: UInt16
  }

  var service: ServiceName
  var endpoints: [Endpoint]
  var ports: [Port]

  /// Nil for a slice of no Service, or of another address family.
  init?(_ object: JSONValue) {
    guard object["addressType"]?.stringValue ?? "IPv4" == "IPv4",
      let name = object[path: "metadata", "labels", "kubernetes.io/service-name"]?.stringValue
    else { return nil }
    service = ServiceName(namespace: object[path: "metadata", "namespace"]?.stringValue ?? "default", name: name)
    endpoints = (object["endpoints"]?.elements ?? []).map { endpoint in
      let ready = endpoint[path: "conditions", "ready"]?.boolValue ?? true
      return Endpoint(
        addresses: (endpoint["addresses"]?.elements ?? []).compactMap { $0.stringValue.flatMap { IPv4Address($0) } },
        hostname: endpoint["hostname"]?.stringValue, isReady: ready,
        isServing: endpoint[path: "conditions", "serving"]?.boolValue ?? ready,
        isTerminating: endpoint[path: "conditions", "terminating"]?.boolValue ?? false)
    }
    ports = (object["ports"]?.elements ?? []).compactMap { port in
      guard let number = port["port"]?.intValue.flatMap(UInt16.init(exactly:)) else { return nil }
      return Port(name: port["name"]?.stringValue ?? "", proto: port["protocol"]?.stringValue ?? "TCP", number: number)
    }
  }
}
