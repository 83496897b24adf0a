/// The cluster's network: one namespace with a bridge, one namespace for each Pod, and no link to the host.
///
/// A Pod's address is a /32 whose every packet goes by way of the bridge's address, also to a neighbour: so all traffic
/// is routed, and both directions of a Service's connection pass the node's address translation.
actor NodeNetwork {
  static let bridge = "lab0"
  /// A bridge without an address of its own takes the lowest of its ports': each new Pod could change it, and Pods that
  /// know the old one would send into nothing until their neighbour entry runs out.
  private static let bridgeMAC = "02:00:00:00:00:01"

  nonisolated let namespace: NetworkNamespace
  nonisolated let podNetwork: IPv4Network
  private let serviceNetwork: IPv4Network
  private let clusterDNS: String
  private let nsenter: Command
  private let ip: Command
  private var pool: AddressPool
  private var nextLink = 1

  init(_ configuration: LabNodeConfiguration, _ directories: NodeDirectories) throws {
    namespace = NetworkNamespace(path: directories.nodeNamespace)
    podNetwork = try IPv4Network(configuration.podNetwork)
    serviceNetwork = try IPv4Network(configuration.serviceNetwork)
    clusterDNS = configuration.clusterDNS
    guard let dns = IPv4Address(clusterDNS), serviceNetwork.contains(dns), !podNetwork.contains(dns) else {
      throw LabNodeError(
        .configuration,
        "the cluster DNS address \(clusterDNS) must lie in the service network \(serviceNetwork.cidr) alone")
    }
    pool = AddressPool(podNetwork, reserved: [podNetwork.address])
    nsenter = try Command("nsenter", package: "util-linux")
    ip = try Command("ip", package: "iproute2")
  }

  func start() async throws {
    try namespace.create()
    try namespace.setParameter("net.ipv4.ip_forward", "1")
    // Neighbours share the bridge: a redirect would teach them the short way, past the address translation.
    try namespace.setParameter("net.ipv4.conf.all.send_redirects", "0")
    try namespace.setParameter("net.ipv4.conf.default.send_redirects", "0")
    // With the kernel's bridge filtering, a translated packet would be bridged to its endpoint, never back to the Pod
    // that it came from.
    try? namespace.setParameter("net.bridge.bridge-nf-call-iptables", "0")
    // The service network has a route only so that the node's own connections get as far as the OUTPUT chain.
    try await batch(
      namespace,
      """
      link set lo up
      link add \(Self.bridge) address \(Self.bridgeMAC) type bridge
      addr add \(podNetwork) dev \(Self.bridge)
      addr add \(clusterDNS)/32 dev \(Self.bridge)
      link set \(Self.bridge) up
      route add \(serviceNetwork.cidr) dev \(Self.bridge) src \(podNetwork.address)
      route add unreachable default
      """)
  }

  /// Gives a Pod its namespace and address.
  /// - Parameter parameters: the Pod's `net.*` sysctls.
  func attach(_ pod: NetworkNamespace, parameters: [String: String]) async throws -> IPv4Address {
    let address = try pool.take()
    let link = "veth\(nextLink)"
    nextLink += 1
    do {
      try pod.create()
      try await batch(
        namespace,
        """
        link add \(link) type veth peer name eth0 netns \(pod.path)
        link set \(link) master \(Self.bridge) up
        """)
      try await batch(
        pod,
        """
        link set lo up
        addr add \(address)/32 dev eth0
        link set eth0 up
        route add \(podNetwork.address) dev eth0 scope link src \(address)
        route add default via \(podNetwork.address) dev eth0 src \(address)
        """)
      for (name, value) in parameters { try pod.setParameter(name, value) }
    } catch {
      detach(pod, address)
      throw error
    }
    return address
  }

  /// Removes the Pod's namespace, and with it both ends of its link.
  func detach(_ pod: NetworkNamespace, _ address: IPv4Address) {
    pod.remove()
    pool.giveBack(address)
  }

  func stop() { namespace.remove() }

  private func batch(_ namespace: NetworkNamespace, _ lines: String) async throws {
    try await nsenter(["--net=" + namespace.path, ip.path, "-batch", "-"], input: lines + "\n")
  }
}
