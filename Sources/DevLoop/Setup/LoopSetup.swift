import Deploy
import FoundationEssentials
import Images
import KubeAPI
import Manifests
import Skaffold
import Synchronization

/// A command line's settings for a loop; makes the parts out of them.
public struct LoopSetup: Sendable {
  public var project: Project
  /// Opens a context of the kubeconfig; nil for the current one.
  public var client: @Sendable (_ context: String?) throws(LoopError) -> KubeClient
  /// `--context`.
  public var context: String?
  /// The option that names it.
  public var contextOption = "--context"
  public var builder: BuilderKind?
  /// `--load`, as `ClusterProduct(parsing:)` reads it.
  public var load: String?
  /// `--allow-context`.
  public var allowedContexts: Set<String> = []
  /// Puts a question to the user, who says yes or no; nil if no one can answer.
  public var ask: (@Sendable (_ question: String) -> Bool)?
  /// True if objects that refuse a change of an immutable field are deleted and made again.
  public var recreate = false
  public var followsLogs = true
  /// Makes a forwarder for the cluster that was found; nil: nothing is forwarded.
  public var forwarder: (@Sendable (KubeClient) -> any PortForwarding)?
  /// The cluster to copy Secrets and ConfigMaps from, and its namespace; nil: nothing is copied.
  public var remote: KubeClient?
  /// For data that lasts from run to run: clusters that were allowed, host ports.
  public var stateDirectory: String
  /// For data that can be made again: what is known of earlier builds, repositories of others.
  public var cacheDirectory: String
  private let mirrorConsent: MirrorConsent
  private let reading: Reading
  /// The applied objects, kept even if the configuration is read again.
  private let scope = RunScope()

  public init(
    project: Project, stateDirectory: String, cacheDirectory: String,
    client: @escaping @Sendable (_ context: String?) throws(LoopError) -> KubeClient
  ) {
    self.project = project
    self.stateDirectory = stateDirectory
    self.cacheDirectory = cacheDirectory
    self.client = client
    mirrorConsent = MirrorConsent(stateDirectory: stateDirectory)
    reading = Reading()
  }

  /// The memory of a loop about its configuration's files, kept even if the configuration is read again.
  private final class Reading: Sendable {
    let files = Mutex<[String]>([])
    let repositories = Mutex<RemoteRepositories?>(nil)
  }

  /// - Parameter command: as for `Project.configurations`.
  public func source(command: String) throws(LoopError) -> LoopSource {
    let setup = self
    var source = LoopSource(files: try project.fixedFiles()) { () async throws(LoopError) in
      try await setup.configurations(command: command)
    } parts: { configurations async throws(LoopError) in
      // Applying existing images needs neither a builder nor a way to load.
      command == "deploy" ? try await setup.partsWithoutBuilder(configurations) : try await setup.parts(configurations)
    }
    source.filesRead = { setup.reading.files.withLock { $0 } }
    return source
  }

  func configurations(command: String) async throws(LoopError) -> [DevConfiguration] {
    var files: [String] = []
    defer { reading.files.withLock { $0 = files } }
    // A profile may ask for the context's name; without a kubeconfig there is none.
    return try await project.configurations(
      command: command, kubeContext: context ?? (try? client(nil))?.access.contextName, repositories: repositories,
      files: &files)
  }

  private var repositories: RemoteRepositories {
    reading.repositories.withLock { repositories in
      let made =
        repositories
        ?? RemoteRepositories(
          directory: cacheDirectory + "/repositories", sync: project.sync, environment: project.environment)
      repositories = made
      return made
    }
  }

  /// Returns the variables that templates see.
  static func environment(_ configurations: [DevConfiguration], _ project: Project) -> [String: String] {
    configurations.first?.environment ?? project.environment
  }

  /// Returns the variables of builders.
  static func programs(_ configurations: [DevConfiguration], _ project: Project) -> [String: String] {
    configurations.first?.programEnvironment ?? project.environment
  }

  /// Returns the chosen cluster, after a check that it may be written to.
  func cluster(_ configurations: [DevConfiguration]) async throws(LoopError) -> (
    client: KubeClient, guarded: GuardedCluster
  ) {
    let client = try client(context ?? configurations.compactMap(\.kubeContext).first)
    let name = client.access.contextName
    let memory = ClusterMemory(file: stateDirectory + "/clusters.json")
    // Consent for one repository does not cover the next, which may name any context of the kubeconfig.
    let key = "\(project.repository)\n\(name)"
    let consent = ClusterConsent(isAllowed: allowedContexts.contains(name), known: memory.load()[key], ask: ask)
    do throws(DeployError) {
      let guarded = try await LocalGuard.check(client: client, context: name, consent: consent)
      if !guarded.isLocal { memory.save(key, guarded.identity) }
      return (client, guarded)
    } catch {
      throw LoopError(error, .cluster)
    }
  }

  func parts(_ configurations: [DevConfiguration]) async throws(LoopError) -> LoopParts {
    if Self.bringsNothing(configurations) { return try await partsWithoutBuilder(configurations) }
    let (client, guarded) = try await cluster(configurations)
    let product = try await product(configurations, client, guarded)
    let builder = try await builder(configurations, product)
    return try await parts(
      configurations, client, guarded, builder: builder,
      loader: ProductLoader(loader: ImageLoader(product: product, builder: builder)),
      builderName: builder.kind.rawValue, cluster: "\(product); \(guarded.reason)")
  }

  private func partsWithoutBuilder(_ configurations: [DevConfiguration]) async throws(LoopError) -> LoopParts {
    let (client, guarded) = try await cluster(configurations)
    return try await parts(
      configurations, client, guarded, builder: NoBuilder(), loader: NoLoader(), builderName: "",
      cluster: guarded.reason)
  }

  private func parts(
    _ configurations: [DevConfiguration], _ client: KubeClient, _ guarded: GuardedCluster, builder: any ImageBuilding,
    loader: any ImageLoading,
    builderName: String, cluster: String
  ) async throws(LoopError) -> LoopParts {
    let namespace = client.access.namespace
    let run = try RunNames(stateDirectory: stateDirectory).name(of: project)
    let deployer = Deployer(
      client: client, namespace: namespace, run: run, scope: scope, options: .init(recreate: recreate))
    let logs = ClusterLogs(client: client, run: run, scope: scope)
    var description = LoopParts.Description(
      builder: builderName, cluster: cluster, context: client.access.contextName, namespace: namespace)
    description.run = run
    var parts = LoopParts(
      builder: builder, loader: loader, deployer: ClusterDeployer(deployer: deployer),
      syncer: ClusterSync(sync: FileSync(client: client, run: run, scope: scope)), description: description)
    parts.commands = ContainerCommands(client: client, run: run, scope: scope)
    parts.forwarder = forwarder?(client)
    parts.mirror = try await mirror(client, guarded, run, &parts.notes)
    if followsLogs { parts.logs = { await logs.follow($0) } }
    return parts
  }

  /// Asks for consent once the destination of the copies is known: a skaffold.yaml may choose it.
  private func mirror(
    _ client: KubeClient, _ guarded: GuardedCluster, _ run: String, _ notes: inout [String]
  ) async throws(LoopError) -> (any ObjectMirroring)? {
    guard let remote else { return nil }
    let namespace = remote.access.namespace
    let identity: String
    do throws(DeployError) { identity = try await LocalGuard.identity(of: remote) } catch {
      throw LoopError(error, .mirroring)
    }
    let source = MirrorConsent.Cluster(
      name: "\(remote.access.contextName)/\(namespace)", identity: "\(identity)/\(namespace)")
    let destination = MirrorConsent.Cluster(name: client.access.contextName, identity: guarded.identity)
    guard
      try mirrorConsent.isGiven(
        from: source, into: destination, isNamed: context != nil, option: contextOption, ask: ask)
    else {
      notes.append("nothing is copied from \(source.name)")
      return nil
    }
    return ClusterMirror(
      mirror: RemoteMirror(
        remote: remote, remoteNamespace: namespace, local: client, localNamespace: client.access.namespace, run: run),
      source: source.name)
  }

  /// True if there is nothing to build: it does not matter then how the cluster gets images.
  static func bringsNothing(_ configurations: [DevConfiguration]) -> Bool {
    configurations.allSatisfy(\.artifacts.isEmpty)
  }

  /// Returns the product: `--load` wins, then `build.local.push: true`, then the nodes' signs. If those say nothing, a
  /// default repository is the place that the cluster pulls from.
  func product(_ configurations: [DevConfiguration], _ client: KubeClient, _ guarded: GuardedCluster)
    async throws(LoopError) -> ClusterProduct
  {
    let memory = ClusterMemory(file: stateDirectory + "/registries.json")
    let (ask, context, root) = (ask, client.access.contextName, project.repository)
    do throws(BuildError) {
      if let load { return try ClusterProduct(parsing: load) }
      if let named = Self.pushed(configurations) { return named }
      return try await ClusterProduct.detect(
        client: client, context: context, environment: Self.programs(configurations, project)
      ) {
        registry in
        let key = "\(root)\n\(guarded.identity)"
        if memory.load()[key] == registry { return true }
        guard let ask,
          ask("Push images to \(registry)? The cluster of context \(context) says that it is its registry.")
        else { return false }
        memory.save(key, registry)
        return true
      }
    } catch {
      if let product = Self.fallback(error, defaultRepository: project.defaultRepository) { return product }
      throw LoopError(error, .loading)
    }
  }

  /// Returns the product of a cluster that does not show one.
  static func fallback(_ error: BuildError, defaultRepository: String?) -> ClusterProduct? {
    guard defaultRepository != nil, [.unknownProduct, .loadFailed].contains(error.reason) else { return nil }
    return .registry(.init(push: ""))
  }

  /// Returns the images' own registries if a configuration pushes. Only those that `build.insecureRegistries` names may
  /// do without TLS, which the builder's settings know by host.
  static func pushed(_ configurations: [DevConfiguration]) -> ClusterProduct? {
    configurations.contains { $0.push == true } ? .registry(.init(push: "")) : nil
  }

  func builder(_ configurations: [DevConfiguration], _ product: ClusterProduct?) async throws(LoopError) -> ImageBuilder
  {
    let needsBuilder = configurations.flatMap(\.artifacts).contains {
      if case .docker = $0.build { true } else { false }
    }
    let environment = Self.programs(configurations, project)
    var kind = builder ?? BuilderKind.docker
    do throws(BuildError) { kind = try await BuilderKind.choose(builder, environment: environment) } catch {
      // An artifact's own command may not need one.
      if needsBuilder || builder != nil { throw LoopError(error) }
    }
    var settings = BuildSettings()
    settings.insecureRegistries = Set(configurations.flatMap(\.insecureRegistries))
    if let product { settings = ImageLoader.settings(for: product, builder: kind, settings) }
    return ImageBuilder(
      kind: kind, cacheDirectory: cacheDirectory + "/builds", environment: environment, settings: settings)
  }
}
