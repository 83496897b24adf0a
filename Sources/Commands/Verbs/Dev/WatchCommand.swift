import ArgumentParser
import ControlAPI
import DevLoop

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Builds and deploys to a local cluster, again at each save.",
    discussion: """
      Reads the skaffold.yaml, builds with docker, podman or buildah, brings the images to the cluster, \
      applies the manifests, forwards the Services' ports and shows the logs. Ctrl-C deletes what it deployed.

      EXAMPLES:
        devtunnel watch
        devtunnel watch -f ../../development/user/skaffold.yaml --context kind-dev
        devtunnel watch --manifests k8s --artifact user=.
        devtunnel watch --mirror --mirror-from staging   with its Secrets and ConfigMaps
        devtunnel watch --replay today.har               and are the answers of today's requests as they were?
        devtunnel watch --once                           build and deploy, wait until it is ready, and end
      """)

  @OptionGroup var project: ProjectArguments
  @OptionGroup var target: LocalClusterArguments
  @OptionGroup var patches: PatchArguments
  @OptionGroup var loop: LoopArguments

  @Flag(help: "Copy Secrets and ConfigMaps that the manifests need from another cluster, as long as the loop runs.")
  var mirror = false

  @Option(help: ArgumentHelp("The context to copy them from.", valueName: "context"))
  var mirrorFrom: String?

  @Option(help: ArgumentHelp("Its namespace (default: the same).", valueName: "name"))
  var mirrorNamespace: String?

  @Flag(help: "Once: no watching and no forwards, nothing is deleted.")
  var once = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    if once, loop.replay != nil {
      throw ValidationError("--replay is for each save: run `devtunnel replay` after watch --once")
    }
    if mirror, mirrorFrom == nil {
      throw ValidationError("--mirror needs --mirror-from CONTEXT, the context to copy from")
    }
  }

  func run() async throws {
    let context = try LoopContext(global, project: project, target: target)
    let deleting = try !loop.keeps(context)
    let printer = EventPrinter(
      format: outputOptions.output ?? context.context.settings.output ?? .table, verbose: global.verbose)
    defer { printer.end() }
    let replay = try loop.replaying()
    let devLoop = DevLoop(
      try setup(context).source(command: once ? "run" : "dev"),
      options: loop.options(context, patches, namespace: context.namespace), replay: replay
    ) { printer.print($0) }
    if once { return try await devLoop.runOnce() }
    let outcome: Result<Void, LoopError>
    do throws(LoopError) { outcome = .success(try await devLoop.run()) } catch { outcome = .failure(error) }
    // Another task: this one is cancelled already.
    let finishing = Task { try await devLoop.finish(deleting: deleting) }
    try await finishing.value
    try outcome.get()
  }

  private func setup(_ context: LoopContext) throws -> LoopSetup {
    var setup = try loop.setup(context)
    // They would end with the command.
    if once { setup.forwarder = nil }
    if let mirrorFrom, mirror {
      var remote = context.cluster
      remote.context = mirrorFrom
      remote.namespace = mirrorNamespace ?? context.cluster.namespace
      setup.remote = try LoopContext.client(remote)
    }
    return setup
  }
}
