import ArgumentParser
import DevLoop

struct DeployCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy", abstract: "Applies a skaffold.yaml's manifests with images that are built already.",
    discussion: """
      EXAMPLES:
        devtunnel deploy --images user=registry.example/user:1.4
        devtunnel deploy --build-artifacts builds.json
      """)

  @OptionGroup var project: ProjectArguments
  @OptionGroup var target: LocalClusterArguments
  @OptionGroup var images: ImageArguments
  @OptionGroup var patches: PatchArguments

  @Flag(help: "Delete and recreate objects that refuse a change of an immutable field.")
  var recreate = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try LoopContext(global, project: project, target: target)
    let printer = EventPrinter(
      format: outputOptions.output ?? context.context.settings.output ?? .table, verbose: global.verbose)
    defer { printer.end() }
    var setup = context.setup
    setup.recreate = try context.variables.isOn(.force, recreate ? true : nil, default: false)
    var options = patches.options(setup.project)
    options.images = try images.references(context.variables)
    options.namespace = context.namespace
    options.builds = false
    try await DevLoop(try setup.source(command: "deploy"), options: options) { printer.print($0) }.runOnce()
  }
}
