import KubeObjects

/// The endpoint of a Service that became ready last, as its EndpointSlices (discovery.k8s.io/v1) show it over time.
struct NewestEndpoint: Sendable {
  struct Endpoint: Sendable, Hashable {
    var address: String
    /// By the port's name; a Service's only port may have none ("").
    var ports: [String: UInt16]
  }

  /// The order in which the ready addresses were first seen: a Pod that becomes ready again counts as new.
  private var order: [String: Int] = [:]
  private var count = 0

  /// Takes a Service's slices.
  /// - Returns: the newest endpoint; nil if none is ready.
  mutating func take(_ slices: some Collection<JSONValue>) -> Endpoint? {
    let ready = slices.flatMap(Self.ready)
    let addresses = Set(ready.map(\.address))
    order = order.filter { addresses.contains($0.key) }
    for endpoint in ready where order[endpoint.address] == nil {
      count += 1
      order[endpoint.address] = count
    }
    return ready.max { order[$0.address] ?? 0 < order[$1.address] ?? 0 }
  }

  private static func ready(_ slice: JSONValue) -> [Endpoint] {
    guard slice["addressType"]?.stringValue == "IPv4" else { return [] }
    var ports: [String: UInt16] = [:]
    for port in slice["ports"]?.elements ?? [] { ports[port.portName] = port.portNumber }
    return slice.endpoints.filter { $0.isReady && !$0.isTerminating }.compactMap { endpoint in
      endpoint.addresses.first.map { Endpoint(address: $0, ports: ports) }
    }
  }
}
