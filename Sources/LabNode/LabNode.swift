import CLinux
import KubeObjects
import LabStore
import Logging
import Synchronization

/// The lab's one node: it runs the Pods that the store assigns to it, and makes Services and cluster DNS work for them.
///
/// Needs root. The host gets no link into the cluster's network: its ways in are `NodeStreams`.
public final class LabNode: Sendable {
  /// The images that Pods can run; builds and imports may come before and while the node runs.
  public let images: ImageStore
  private let configuration: LabNodeConfiguration
  private let directories: NodeDirectories
  private let store: any ObjectStoring
  let runc: Runc
  private let logger: Logger
  private let end = AsyncStream.makeStream(of: Never.self)
  /// The Pods, while the node runs.
  let pods = Mutex<PodManager?>(nil)

  /// - Throws: `missingProgram` or `configuration`.
  public init(configuration: LabNodeConfiguration, store: any ObjectStoring, logger: Logger) throws {
    self.configuration = configuration
    self.store = store
    self.logger = logger
    directories = NodeDirectories(configuration)
    images = try ImageStore(directory: directories.images)
    runc = try Runc(root: directories.runc, hasCgroups: Cgroups.areUsable(labName: configuration.labName))
    // Report now what would make the start fail later.
    _ = try NodeNetwork(configuration, directories)
    _ = try Command("nft", package: "nftables")
  }

  /// Builds the images that a lab starts with, where they are not there yet.
  public func prepareSampleImages() async throws {
    try Files.makeDirectory(directories.state, mode: 0o700)
    try await SampleImages(images).prepare(scratch: directories.state + "/sample-image")
  }

  /// The paths of the node's and a Pod's network namespaces, for `nsenter --net=`.
  public var namespacePath: String { directories.nodeNamespace }
  public func namespacePath(podUID: String) -> String { directories.podNamespace(podUID) }

  /// Returns the paths of a Pod's network namespace and its `resolv.conf`, for processes other than the node's.
  public static func entrance(stateDirectory: String, podUID: String) -> (networkNamespace: String, resolvConf: String)
  {
    let directories = NodeDirectories(stateDirectory: stateDirectory)
    return (directories.podNamespace(podUID), directories.pod(podUID) + "/etc/resolv.conf")
  }

  /// Runs until `shutdown` or until the task is cancelled; returns when containers, mounts, namespaces and the state
  /// directory are gone.
  /// - Throws: `systemCall` or `commandFailed` where the network or cluster DNS cannot be set up.
  public func run() async throws {
    try await Self.cleanUp(stateDirectory: directories.state, keepsImages: true)
    try NodeRecord(labName: configuration.labName).write(directories)
    _ = clinux_ns_become_subreaper()
    var failure: (any Error)?
    do { try await serve() } catch { failure = error }
    let state = directories.state
    StrayChildren.reapStages()
    try await Task { try await Self.cleanUp(stateDirectory: state) }.value
    if let failure { throw failure }
  }

  /// Makes `run` return, after everything has been removed.
  public func shutdown() { end.continuation.finish() }

  private func serve() async throws {
    let network = try NodeNetwork(configuration, directories)
    try await network.start()
    let loop = try await NodeEventLoop(in: network.namespace)
    let result: Result<Void, any Error>
    do { result = .success(try await serve(network, loop)) } catch { result = .failure(error) }
    await loop.stop()
    await network.stop()
    try result.get()
  }

  private func serve(_ network: NodeNetwork, _ loop: NodeEventLoop) async throws {
    let zone = ZoneHolder(emptyZone(network))
    let servers = [
      try await DNSServer(on: loop, address: configuration.clusterDNS, zone: zone),
      // The node's own resolver: what Pods with `dnsPolicy: Default` ask.
      try await DNSServer(on: loop, address: "\(network.podNetwork.address)", zone: ZoneHolder(emptyZone(network))),
    ]
    let proxy = try ServiceProxy(configuration, store: store, network: network, zone: zone, logger: logger)
    let manager = PodManager(
      NodeServices(
        configuration: configuration, directories: directories, store: store, network: network, images: images,
        runc: runc,
        probes: NetworkProbe(node: loop), events: EventRecorder(store: store, nodeName: configuration.nodeName),
        openFilesLimit: min(20_000, clinux_ns_open_files_limit()), logger: logger))
    pods.withLock { $0 = manager }
    await NodeObject(configuration, address: network.podNetwork.address).register(in: store)
    await withDiscardingTaskGroup { group in
      group.addTask { await proxy.run() }
      group.addTask { await manager.run() }
      group.addTask { await StrayChildren.reap() }
      for await _ in self.end.stream {}
      await Task { await manager.stop() }.value
      group.cancelAll()
    }
    pods.withLock { $0 = nil }
    for server in servers { await server.stop() }
  }

  private func emptyZone(_ network: NodeNetwork) -> ClusterZone {
    ClusterZone(
      domain: configuration.clusterDomain, podNetwork: network.podNetwork, extraRecords: configuration.extraRecords)
  }
}
