import ArgumentParser
import ControlAPI
import DevLoop
import FoundationEssentials

struct BuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Builds the images of a skaffold.yaml, and brings them to the cluster.",
    discussion: """
      Prints NAME=REFERENCE for each image, as deploy --images takes it.

      EXAMPLES:
        devtunnel build
        devtunnel build --no-loading                 asks no cluster
        devtunnel build --file-output builds.json    for deploy --build-artifacts
      """)

  @OptionGroup var project: ProjectArguments
  @OptionGroup var target: LocalClusterArguments

  @Flag(inversion: .prefixedNo, help: "Bring the images to the cluster.")
  var loading = true

  @Option(help: ArgumentHelp("Write the references to this file too, as JSON.", valueName: "file"), completion: .file())
  var fileOutput: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try LoopContext(global, project: project, target: target)
    let printer = EventPrinter(format: .table, verbose: global.verbose, terminal: .error)
    defer { printer.end() }
    let results = try await context.setup.build(loading: loading) { printer.print($0) }
    printer.end()
    let file = BuildsFile(builds: results)
    if let fileOutput { try write(file, to: fileOutput) }
    try context.context.show(file, outputOptions) { $0.builds.map { "\($0.imageName)=\($0.tag)" } }
  }

  private func write(_ file: BuildsFile, to path: String) throws {
    do {
      try Data((try JSONOutput.text(file) + "\n").utf8).write(to: URL(filePath: path))
    } catch {
      throw ControlError(
        .failed, "cannot write \(path)", remedy: "choose another place with --file-output", details: ["\(error)"])
    }
  }
}
