import ArgumentParser
import ControlAPI
import DevLoop
import FoundationEssentials

struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev",
    abstract: "Intercepts a remote Service, and answers for it from a local cluster that follows each save.",
    discussion: """
      watch in the local cluster, and intercept in the remote one, whose requests go straight into the local \
      cluster's Pods. --context and --namespace are the remote cluster's. \
      Ctrl-C gives the Service back first, then deletes what was deployed.

      As root this machine is connected too (connect --host), so that the local Pods reach the remote cluster; \
      otherwise it says what is missing.

      EXAMPLES:
        devtunnel dev user --context staging --local-context kind-dev
        devtunnel dev user --context staging -n user --local-context kind-dev \
      -f ../../development/user/skaffold.yaml --mirror
        devtunnel dev user --context staging --local-context kind-dev --mirror-requests --path '/api/*'
      """)

  @Argument(help: "The remote Service.", transform: checked(ObjectName.parseService))
  var service: String

  @Option(
    help: ArgumentHelp("The context of the local cluster (default: the kubeconfig's current one).", valueName: "name"))
  var localContext: String?

  @Option(
    help: ArgumentHelp("The namespace there, of objects that name none (default: the context's).", valueName: "name"))
  var localNamespace: String?

  @Option(
    help: ArgumentHelp("The kubeconfig file with that context (default: that of --context).", valueName: "file"),
    completion: .file())
  var localKubeconfig: String?

  @Option(
    help: ArgumentHelp(
      "The local Service, or KIND/NAME, that answers (default: the Service of the same name).", valueName: "target"),
    transform: checked(ObjectName.parseTarget))
  var to: String?

  @Option(
    help: ArgumentHelp(
      "A port of the local target, and one of the Service's ports; "
        + "may be repeated (default: each port, to that of the same number).",
      valueName: "local[:service]"),
    transform: checked { text throws(ControlError) in try PortMapping(argument: text) })
  var port: [PortMapping] = []

  @Flag(
    help: """
      Copy Secrets and ConfigMaps that the manifests need from the remote cluster, as long as the loop runs \
      (--mirror-requests copies requests).
      """)
  var mirror = false

  @Flag(inversion: .prefixedNo, help: "Connect this machine, so that local Pods reach the remote cluster; needs root.")
  var host = true

  @OptionGroup(title: "Some requests only") var rules: RuleArguments

  @Flag(
    help: """
      Let copies of requests arrive in the local cluster, of some or of all: its answers are dropped, and the requests \
      go where they would go without it.
      """)
  var mirrorRequests = false

  @OptionGroup var project: ProjectArguments
  @OptionGroup var target: LocalClusterArguments
  @OptionGroup var patches: PatchArguments
  @OptionGroup var loop: LoopArguments
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  /// The rules of the intercept; nil for all that arrives.
  var wantedRules: RequestRules? { rules.rules(mirror: mirrorRequests) }

  func validate() throws { if mirrorRequests { try rules.checkMirror() } }

  func run() async throws {
    let remote = global.cluster(try CommandContext(global).settings)
    let context = try LoopContext(global, project: project, target: target, cluster: local(remote))
    let deleting = try !loop.keeps(context)
    let remoteClient = try LoopContext.client(remote)
    try check(remoteClient.access.contextName, try LoopContext.client(context.cluster).access.contextName)
    let printer = EventPrinter(
      format: outputOptions.output ?? context.context.settings.output ?? .table, verbose: global.verbose)
    defer { printer.end() }
    var setup = try loop.setup(context)
    if mirror {
      try checkMirror(remote, remoteClient.access.contextName)
      setup.remote = remoteClient
      setup.contextOption = "--local-context"
    }
    let (rounds, round) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let replay = try loop.replaying()
    let devLoop = DevLoop(
      try setup.source(command: "dev"), options: loop.options(context, patches, namespace: context.namespace),
      replay: replay
    ) { event in
      printer.print(event)
      if case .watching = event { round.yield() }
    }
    let request = request(remote, context)
    let intercept = LoopIntercept(client: context.context.client(), request: request, name: to ?? service) {
      printer.print($0)
    }
    let way = LocalPodRoute(wanted: host, cluster: remoteClient.access, options: global, kubeconfig: remote.kubeconfig)
    {
      printer.print($0)
    }
    let outcome = await withTaskGroup(of: Void.self) { group in
      group.addTask { await intercept.begin(when: rounds) { await devLoop.namespace(ofService: $0) } }
      group.addTask { await way.hold() }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await devLoop.run()) } catch { outcome = .failure(error) }
      group.cancelAll()
      await group.waitForAll()
      return outcome
    }
    // Another task: this one is cancelled already. The Service goes back before its Pods are deleted.
    let finishing = Task {
      await intercept.end()
      try await devLoop.finish(deleting: deleting)
    }
    try await finishing.value
    try outcome.get()
  }

  private func local(_ remote: ClusterSelection) -> ClusterSelection {
    var local = remote
    local.context = localContext
    local.namespace = localNamespace
    local.bastion = nil
    if let localKubeconfig {
      local.kubeconfig = [GlobalOptions.absolute(localKubeconfig, home: ProcessInfo.processInfo.environment["HOME"])]
    }
    return local
  }

  private func check(_ remote: String, _ local: String) throws(ControlError) {
    guard remote == local, localKubeconfig == nil else { return }
    throw ControlError(
      .badInput, "context \(remote) would be the remote and the local cluster at once",
      remedy: "Name both: --context REMOTE --local-context LOCAL.")
  }

  /// Checks that the loop can copy from the remote cluster: the daemon uses SSH hosts, the loop itself does not.
  private func checkMirror(_ remote: ClusterSelection, _ context: String) throws(ControlError) {
    guard let via = remote.bastion.flatMap({ $0.url ?? $0.byContext[context] }) else { return }
    throw ControlError(
      .badInput, "--mirror does not go through \(via)",
      remedy:
        "Leave it out, and copy what the manifests need: "
        + "kubectl get secret NAME -o yaml, then kubectl apply in the local cluster."
    )
  }

  private func request(_ remote: ClusterSelection, _ context: LoopContext) -> InterceptRequest {
    var request = InterceptRequest(cluster: remote, service: service, ports: port)
    request.rules = wantedRules
    request.moveConnections = context.context.settings.moveConnections ?? .auto
    request.target = InterceptTarget(cluster: context.cluster, target: to ?? service)
    return request
  }
}
