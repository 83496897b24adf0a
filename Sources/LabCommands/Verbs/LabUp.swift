import Agents
import ArgumentParser
import Commands
import ControlAPI

struct LabUp: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Starts a lab, and returns once it can be used.",
    discussion: """
      A lab that runs already is reported, not started again. With --sample it has a Service web of two Pods \
      in namespace shop, and a Pod client beside it.
      """)

  @Flag(help: "Load the sample application.")
  var sample = false

  @Option(help: ArgumentHelp("The API server's port on 127.0.0.1 (default: any free one).", valueName: "port"))
  var port: UInt16 = 0

  @OptionGroup var lab: LabOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    try LabRequirements.checkRoot("up")
    try LabRequirements.checkPrograms()
    let context = try CommandContext(global)
    let line = ProgressLine("starting the lab…", verbose: global.verbose)
    defer { line.end() }
    let process = LabProcess(paths: lab.paths)
    let known = process.running()
    do {
      if known == nil { try await process.remove() }
      let record = if let known { known } else { try await process.start(port: port) }
      let cluster = try LabCluster(lab.paths)
      try await cluster.waitUntilReady()
      if sample {
        line.step("loading the sample application…")
        try await cluster.create(try Installation.template("lab/shop.yaml"))
        try await cluster.waitUntilPodsAreReady(namespace: "shop")
      }
      let report = LabReport(lab.paths, record, pods: try await cluster.pods())
      line.end()
      try context.show(report, outputOptions) { $0.summary }
    } catch {
      if known == nil {
        // Another task: this one may be cancelled already.
        _ = try? await Task { try await process.remove(keepingLog: error.code != .cancelled) }.value
      }
      throw error
    }
  }
}
