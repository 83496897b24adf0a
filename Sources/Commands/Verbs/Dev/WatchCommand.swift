import ArgumentParser
import ControlAPI
import DevLoop

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Builds and deploys to a local cluster, again at each save.",
    discussion: """
      Reads the skaffold.yaml that is there, builds with docker, podman or buildah, brings the images to the cluster, applies the manifests, forwards
      the Services' ports and shows the logs. Ctrl-C deletes what it deployed.

      EXAMPLES:
        devtunnel watch
        devtunnel watch -f ../../development/user/skaffold.yaml --context kind-dev
        devtunnel watch --manifests k8s --artifact user=.
        devtunnel watch --mirror --mirror-from staging   with its Secrets and ConfigMaps
        devtunnel watch --once                           build and deploy, wait until it is ready, and end
      """)

  @OptionGroup var project: ProjectArguments
  @OptionGroup var target: LocalClusterArguments
  @OptionGroup var patches: PatchArguments

  @Flag(help: "Copy Secrets and ConfigMaps that the manifests need from another cluster, as long as the loop runs.")
  var mirror = false

  @Option(help: ArgumentHelp("The context to copy them from.", valueName: "context"))
  var mirrorFrom: String?

  @Option(help: ArgumentHelp("Its namespace (default: the same).", valueName: "name"))
  var mirrorNamespace: String?

  @Flag(inversion: .prefixedNo, help: "Forward ports of what was deployed.")
  var portForward = true

  @Flag(inversion: .prefixedNo, help: "Show the logs of what was deployed.")
  var tail = true

  @Flag(name: .customLong("keep"), help: "Leave in the cluster what was deployed.")
  var keeps = false

  @Flag(help: "Delete at the end what was deployed (the default).")
  var cleanup = false

  @Flag(help: "Delete and make anew what refuses a change of an immutable field.")
  var recreate = false

  @Flag(help: "Once: no watching, nothing is deleted.")
  var once = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if keeps, cleanup { throw ValidationError("--keep and --cleanup exclude each other") }
    if mirror, mirrorFrom == nil { throw ValidationError("--mirror needs --mirror-from CONTEXT: where to copy from") }
  }

  func run() async throws {
    let context = try LoopContext(global, project: project, target: target)
    let printer = EventPrinter(format: outputOptions.output ?? context.context.settings.output ?? .table, verbose: global.verbose)
    defer { printer.end() }
    let loop = DevLoop(try setup(context).source(command: once ? "run" : "dev"), options: try options(context)) { printer.print($0) }
    if once { return try await loop.runOnce() }
    let outcome: Result<Void, LoopError>
    do throws(LoopError) { outcome = .success(try await loop.run()) } catch { outcome = .failure(error) }
    // A task of its own: this one is cancelled already.
    let deleting = !keeps
    let finishing = Task { try await loop.finish(deleting: deleting) }
    try await finishing.value
    try outcome.get()
  }

  private func setup(_ context: LoopContext) throws(LoopError) -> LoopSetup {
    var setup = context.setup
    setup.recreate = recreate
    setup.followsLogs = tail
    if portForward {
      setup.forwarder = { client in ControlForwarder(client: context.context.client(), cluster: context.selection(client)) }
    }
    if let mirrorFrom, mirror {
      var remote = context.cluster
      remote.context = mirrorFrom
      remote.namespace = mirrorNamespace ?? context.cluster.namespace
      setup.remote = try LoopContext.client(remote)
    }
    return setup
  }

  private func options(_ context: LoopContext) throws(LoopError) -> LoopOptions {
    var options = patches.options(environment: context.environment)
    options.namespace = global.namespace
    options.portMemory = context.setup.stateDirectory + "/ports.json"
    return options
  }
}
