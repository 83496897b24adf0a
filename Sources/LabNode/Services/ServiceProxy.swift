import KubeObjects
import LabStore
import Logging

/// Follows Services and EndpointSlices: each change becomes one nftables transaction and one new zone for cluster DNS.
struct ServiceProxy: Sendable {
  let configuration: LabNodeConfiguration
  let store: any ObjectStoring
  let network: NodeNetwork
  let zone: ZoneHolder
  let logger: Logger
  private let nft: Command
  private let nsenter: Command
  private let serviceNetwork: IPv4Network

  init(
    _ configuration: LabNodeConfiguration, store: any ObjectStoring, network: NodeNetwork, zone: ZoneHolder,
    logger: Logger
  ) throws {
    self.configuration = configuration
    self.store = store
    self.network = network
    self.zone = zone
    self.logger = logger
    nft = try Command("nft", package: "nftables")
    nsenter = try Command("nsenter", package: "util-linux")
    serviceNetwork = try IPv4Network(configuration.serviceNetwork)
  }

  /// Follows until the task is cancelled.
  func run() async {
    // One waiting signal covers any number of changes: a burst costs two transactions, not one for each object.
    let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    await withDiscardingTaskGroup { group in
      for resource in [Resource.services, .endpointSlices, .namespaces] {
        group.addTask {
          await Watching.follow(resource, in: store) { _ in signal.yield() }
          signal.finish()
        }
      }
      var applied: ServiceRules?
      var serial: UInt32 = 0
      for await _ in changes {
        serial &+= 1
        applied = await follow(applied, serial: serial)
      }
    }
  }

  private func follow(_ applied: ServiceRules?, serial: UInt32) async -> ServiceRules? {
    let services = await store.list(.services, namespace: nil).items
    let slices = await store.list(.endpointSlices, namespace: nil).items.compactMap { EndpointSlice($0) }
    let namespaces = await store.list(.namespaces, namespace: nil).items.compactMap {
      $0[path: "metadata", "name"]?.stringValue
    }
    zone.replace(
      with: ClusterZone(
        domain: configuration.clusterDomain, podNetwork: network.podNetwork, serial: serial,
        extraRecords: configuration.extraRecords,
        namespaces: namespaces, services: services, slices: slices))
    let rules = ServiceRules(services: services, slices: slices)
    guard rules != applied else { return applied }
    do {
      let script = rules.script(serviceNetwork: serviceNetwork, dns: configuration.clusterDNS)
      try await nsenter(["--net=" + network.namespace.path, nft.path, "-f", "-"], input: script)
      return rules
    } catch {
      logger.error("Services are not reachable as their objects say", metadata: ["error": "\(error)"])
      return applied
    }
  }
}

/// Watches as long as its task lives.
enum Watching {
  /// Calls `change` with nil at the start and whenever events may have been missed (read everything again), and with
  /// each event.
  static func follow(_ resource: Resource, in store: any ObjectStoring, _ change: @Sendable (WatchEvent?) async -> Void)
    async
  {
    while !Task.isCancelled {
      guard let events = try? await store.watch(resource, after: nil) else { return }
      await change(nil)
      for await event in events { await change(event) }
    }
  }
}
