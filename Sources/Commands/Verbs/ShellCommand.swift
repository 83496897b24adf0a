import ArgumentParser
import ControlAPI

struct ShellCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell", abstract: "Opens a shell here whose network is the cluster's.",
    discussion: """
      Programs in it reach Services, Pods and cluster DNS, TCP and UDP, without root; \
      files, user and working directory stay yours. With a workload, its environment is set too, and its files are \
      below $DEVTUNNEL_ROOT, and at their own paths if this machine has nothing there. \
      Public addresses are reached from this machine. The exit status is the command's.

      EXAMPLES:
        devtunnel shell                              in the namespace
        devtunnel shell --service user               in the place of the workload behind Service user
        devtunnel shell -n shop -- curl http://web
        devtunnel shell --workload deploy/user -- go test ./...
      """)

  @Option(
    help: ArgumentHelp("Take the place of the workload behind this Service.", valueName: "name"),
    transform: checked(ObjectName.parseService))
  var service: String?

  @Option(help: ArgumentHelp("Take the place of this workload.", valueName: "kind/name"))
  var workload: String?

  @Option(help: ArgumentHelp("The container whose environment and files are taken.", valueName: "name"))
  var container: String?

  @Option(help: ArgumentHelp("An image for the agent other than the workload's own.", valueName: "image"))
  var agentImage: String?

  @OptionGroup var shell: ShellArguments
  @OptionGroup(title: "Global options") var global: GlobalOptions

  @Argument(parsing: .postTerminator, help: ArgumentHelp("The command (default: $SHELL).", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    if service != nil, workload != nil {
      throw ValidationError("--service and --workload name the same thing: give one of them")
    }
  }

  func run() async throws {
    let context = try CommandContext(global)
    var request = shell.request(global.cluster(context.settings))
    request.service = service
    request.workload = workload
    request.container = container
    request.agentImage = agentImage ?? context.settings.agentImage
    let report = try await context.call(request, task: "opening a shell…")
    try Task.checkCancellation()
    report.warnings.forEach { ErrorOutput.warn($0) }
    try ShellEntry(report, command: command).enter()
  }
}
