import Deploy
import FoundationEssentials
import Images
import KubeAPI
import Manifests
import Skaffold

/// Everything a command line says about a loop; makes the parts out of it.
public struct LoopSetup: Sendable {
  public var project: Project
  /// Opens a context of the kubeconfig; nil for the current one.
  public var client: @Sendable (_ context: String?) throws(LoopError) -> KubeClient
  /// `--context`.
  public var context: String?
  public var builder: BuilderKind?
  /// `--load`, as `ClusterProduct(parsing:)` reads it.
  public var load: String?
  /// `--allow-context`.
  public var allowedContexts: Set<String> = []
  /// Deletes and makes anew what refuses a change of an immutable field.
  public var recreate = false
  public var followsLogs = true
  /// Makes a forwarder for the cluster that was found; nil: nothing is forwarded.
  public var forwarder: (@Sendable (KubeClient) -> any PortForwarding)?
  /// The cluster to copy Secrets and ConfigMaps from, and its namespace; nil: nothing is copied.
  public var remote: KubeClient?
  /// For what lasts from run to run: clusters that were allowed, host ports.
  public var stateDirectory: String
  /// For what is remembered of builds.
  public var cacheDirectory: String

  public init(
    project: Project, stateDirectory: String, cacheDirectory: String, client: @escaping @Sendable (_ context: String?) throws(LoopError) -> KubeClient
  ) {
    self.project = project
    self.stateDirectory = stateDirectory
    self.cacheDirectory = cacheDirectory
    self.client = client
  }

  /// - Parameter command: as for `Project.configurations`.
  public func source(command: String) throws(LoopError) -> LoopSource {
    let setup = self
    let file = try project.skaffoldFile()
    return LoopSource(files: file.map { [$0] } ?? []) { () async throws(LoopError) in
      try setup.configurations(command: command)
    } parts: { configurations async throws(LoopError) in
      // Who applies images that are built already needs neither a builder nor a way to load.
      command == "deploy" ? try await setup.partsWithoutBuilder(configurations) : try await setup.parts(configurations)
    }
  }

  func configurations(command: String) throws(LoopError) -> [DevConfiguration] {
    // A profile may ask for the context's name; without a kubeconfig there is none.
    try project.configurations(command: command, kubeContext: context ?? (try? client(nil))?.access.contextName)
  }

  /// The cluster that is meant, once it is known to be one that may be written to.
  func cluster(_ configurations: [DevConfiguration]) async throws(LoopError) -> (client: KubeClient, guarded: GuardedCluster) {
    let client = try client(context ?? configurations.compactMap(\.kubeContext).first)
    let name = client.access.contextName
    let memory = ClusterMemory(file: stateDirectory + "/clusters.json")
    let known = memory.load()
    do throws(DeployError) {
      let guarded = try await LocalGuard.check(
        client: client, context: name, allowed: allowedContexts.union(known.keys), pinned: allowedContexts.contains(name) ? nil : known[name])
      if !guarded.isLocal, allowedContexts.contains(name) { memory.save(name, guarded.uid) }
      return (client, guarded)
    } catch {
      throw LoopError(error, .cluster)
    }
  }

  func parts(_ configurations: [DevConfiguration]) async throws(LoopError) -> LoopParts {
    let (client, guarded) = try await cluster(configurations)
    let product = try await product(configurations, client)
    let builder = try await builder(configurations, product)
    return try parts(
      configurations, client, builder: builder, loader: ProductLoader(loader: ImageLoader(product: product, builder: builder)),
      builderName: builder.kind.rawValue, cluster: "\(product); \(guarded.reason)")
  }

  private func partsWithoutBuilder(_ configurations: [DevConfiguration]) async throws(LoopError) -> LoopParts {
    let (client, guarded) = try await cluster(configurations)
    return try parts(configurations, client, builder: NoBuilder(), loader: NoLoader(), builderName: "", cluster: guarded.reason)
  }

  private func parts(
    _ configurations: [DevConfiguration], _ client: KubeClient, builder: any ImageBuilding, loader: any ImageLoading, builderName: String, cluster: String
  ) throws(LoopError) -> LoopParts {
    let namespace = client.access.namespace
    let run = RunLabel.value(try project.run(configurations))
    let deployer = Deployer(client: client, namespace: namespace, run: run, options: .init(recreate: recreate))
    let logs = ClusterLogs(client: client, run: run)
    let description = LoopParts.Description(
      builder: builderName, cluster: cluster, context: client.access.contextName, namespace: namespace)
    var parts = LoopParts(
      builder: builder, loader: loader, deployer: ClusterDeployer(deployer: deployer),
      syncer: ClusterSync(sync: FileSync(client: client, namespace: nil, run: run)), description: description)
    parts.forwarder = forwarder?(client)
    parts.mirror = mirror(client, run)
    if followsLogs { parts.logs = { await logs.follow($0) } }
    return parts
  }

  private func mirror(_ client: KubeClient, _ run: String) -> (any ObjectMirroring)? {
    guard let remote else { return nil }
    let namespace = remote.access.namespace
    return ClusterMirror(
      mirror: RemoteMirror(remote: remote, remoteNamespace: namespace, local: client, localNamespace: client.access.namespace, run: run),
      source: "\(remote.access.contextName)/\(namespace)")
  }

  /// `--load` wins, then `build.local.push: true`, then what the nodes say.
  func product(_ configurations: [DevConfiguration], _ client: KubeClient) async throws(LoopError) -> ClusterProduct {
    do throws(BuildError) {
      if let load { return try ClusterProduct(parsing: load) }
      if configurations.contains(where: { $0.push == true }) {
        let isInsecure = configurations.contains { !$0.insecureRegistries.isEmpty }
        return .registry(.init(push: "", isInsecure: isInsecure))
      }
      return try await ClusterProduct.detect(client: client, context: client.access.contextName, environment: project.environment)
    } catch {
      throw LoopError(error, .loading)
    }
  }

  func builder(_ configurations: [DevConfiguration], _ product: ClusterProduct?) async throws(LoopError) -> ImageBuilder {
    let needsBuilder = configurations.flatMap(\.artifacts).contains { if case .docker = $0.build { true } else { false } }
    var kind = builder ?? BuilderKind.docker
    do throws(BuildError) { kind = try await BuilderKind.choose(builder, environment: project.environment) } catch {
      // An artifact's own command may know another way.
      if needsBuilder || builder != nil { throw LoopError(error) }
    }
    var settings = BuildSettings()
    settings.insecureRegistries = Set(configurations.flatMap(\.insecureRegistries))
    if let product { settings = ImageLoader.settings(for: product, builder: kind, settings) }
    return ImageBuilder(kind: kind, cacheDirectory: cacheDirectory, environment: project.environment, settings: settings)
  }
}
