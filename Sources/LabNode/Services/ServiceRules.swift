import KubeObjects

/// Services as nftables rules: the whole table, to be put in place in one transaction.
///
/// Only a connection's first packet meets the rules; connection tracking keeps the endpoint for the rest.
struct ServiceRules: Sendable, Equatable {
  struct Target: Hashable, Sendable {
    var address: IPv4Address
    var port: UInt16
  }

  struct Port: Hashable, Sendable {
    var clusterIP: IPv4Address
    var proto: String
    var port: UInt16
    var targets: [Target]
  }

  static let table = "devtunnel-lab"
  var ports: [Port]

  init(services: [JSONValue], slices: [EndpointSlice]) {
    let slicesByService = Dictionary(grouping: slices, by: \.service)
    ports = services.flatMap { service -> [Port] in
      guard let clusterIP = service[path: "spec", "clusterIP"]?.stringValue.flatMap({ IPv4Address($0) }) else {
        return []
      }
      let name = ServiceName(
        namespace: service[path: "metadata", "namespace"]?.stringValue ?? "default",
        name: service[path: "metadata", "name"]?.stringValue ?? "")
      return (service[path: "spec", "ports"]?.elements ?? []).compactMap { port in
        let proto = port["protocol"]?.stringValue ?? "TCP"
        guard proto == "TCP" || proto == "UDP", let number = port["port"]?.intValue.flatMap(UInt16.init(exactly:))
        else { return nil }
        let targets = Self.targets(slicesByService[name] ?? [], port["name"]?.stringValue ?? "", proto)
        return Port(clusterIP: clusterIP, proto: proto.lowercased(), port: number, targets: targets)
      }
    }
    // Two Services with one address would make nft refuse the whole table.
    var seen: Set<String> = []
    ports = ports.filter { seen.insert("\($0.clusterIP) \($0.proto) \($0.port)").inserted }
    ports.sort { ($0.clusterIP, $0.port, $0.proto) < ($1.clusterIP, $1.port, $1.proto) }
  }

  /// The ready endpoints; where there is none, those that go away but still serve, as kube-proxy does.
  private static func targets(_ slices: [EndpointSlice], _ portName: String, _ proto: String) -> [Target] {
    func collect(_ fits: (EndpointSlice.Endpoint) -> Bool) -> [Target] {
      var targets: Set<Target> = []
      for slice in slices {
        for port in slice.ports where port.name == portName && port.proto == proto {
          for endpoint in slice.endpoints where fits(endpoint) {
            // The API server's own endpoint is on the host's loopback, which no Pod can reach: better refused than left
            // hanging.
            if let address = endpoint.addresses.first, address.bytes[0] != 127 {
              targets.insert(Target(address: address, port: port.number))
            }
          }
        }
      }
      return targets.sorted { ($0.address, $0.port) < ($1.address, $1.port) }
    }
    let ready = collect { $0.isReady }
    return ready.isEmpty ? collect { $0.isServing && $0.isTerminating } : ready
  }

  /// An `nft -f` script that replaces the table.
  /// - Parameter dns: the one service address that is the node's own.
  func script(serviceNetwork: IPv4Network, dns: String) -> String {
    let served = ports.filter { !$0.targets.isEmpty }
    let hairpin = Set(served.flatMap { $0.targets.map(\.address) }).sorted()
    let vmap = served.enumerated().map { "\($1.clusterIP) . \($1.proto) . \($1.port) : goto svc-\($0)" }
    // A Pod that reaches itself by its Service must see another source than itself, or its kernel drops the packet.
    return """
      table ip \(Self.table)
      delete table ip \(Self.table)
      table ip \(Self.table) {
      \(served.enumerated().map(Self.chain).joined(separator: "\n"))
        map services {
          type ipv4_addr . inet_proto . inet_service : verdict
          \(Self.elements(vmap))
        }
        set hairpin {
          type ipv4_addr . ipv4_addr
          \(Self.elements(hairpin.map { "\($0) . \($0)" }))
        }
        chain prerouting {
          type nat hook prerouting priority dstnat
          ip daddr . meta l4proto . th dport vmap @services
        }
        chain output {
          type nat hook output priority -100
          ip daddr . meta l4proto . th dport vmap @services
        }
        chain postrouting {
          type nat hook postrouting priority srcnat
          ip saddr . ip daddr @hairpin masquerade
        }
        chain forward {
          type filter hook forward priority filter
          ip daddr \(serviceNetwork.cidr) reject
        }
        chain local {
          type filter hook output priority filter
          ip daddr \(dns) accept
          ip daddr \(serviceNetwork.cidr) reject
        }
      }

      """
  }

  private static func chain(_ index: Int, _ port: Port) -> String {
    let targets = port.targets.enumerated().map { "\($0) : \($1.address) . \($1.port)" }.joined(separator: ", ")
    return
      """
        chain svc-\(index) {
          meta l4proto \(port.proto) dnat ip to numgen random mod \(port.targets.count) map { \(targets) }
        }
      """
  }

  private static func elements(_ elements: [String]) -> String {
    elements.isEmpty ? "" : "elements = { \(elements.joined(separator: ", ")) }"
  }
}
