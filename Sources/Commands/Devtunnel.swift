import ArgumentParser
import ControlAPI
import FoundationEssentials
import KubeAPI

/// The root of the command line; the verbs are in `Verbs`, a file each.
struct Devtunnel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devtunnel",
    abstract: "Puts this machine into a remote Kubernetes cluster.",
    usage: "devtunnel [<global options>] <subcommand> …",
    discussion: """
      A daemon of yours does the work; the first command starts it.

      EXAMPLES:
        devtunnel list                         what can be intercepted
        devtunnel intercept user --port 8080   Service user → 127.0.0.1:8080
        devtunnel forward db 5432              127.0.0.1:5432 → Service db
        devtunnel shell --service user         a shell here, in the place of user's Pods
        devtunnel leave --all                  everything as it was
        devtunnel watch                        skaffold.yaml → a local cluster, again at each save

      SETTINGS:
        $XDG_CONFIG_HOME/devtunnel/config.yaml

      EXIT STATUS:
        0 done, 1 failed, 2 wrong usage, 130 interrupted
      """,
    version: "devtunnel \(BuildVersion.current.version)",
    groupedSubcommands: [
      CommandGroup(
        name: "Traffic",
        subcommands: [
          InterceptCommand.self, LeaveCommand.self, ForwardCommand.self, OpenCommand.self, ReplayCommand.self,
        ]),
      CommandGroup(
        name: "Into the cluster", subcommands: [ShellCommand.self, ConnectCommand.self, DisconnectCommand.self]),
      CommandGroup(
        name: "Dev loop",
        subcommands: [
          WatchCommand.self, DevCommand.self, BuildCommand.self, DeployCommand.self, RenderCommand.self,
          DeleteCommand.self,
        ]),
      CommandGroup(
        name: "Information",
        subcommands: [
          ListCommand.self, StatusCommand.self, ExplainCommand.self, RequestsCommand.self, DoctorCommand.self,
          LogsCommand.self, VersionCommand.self,
        ]),
      CommandGroup(name: "For programs", subcommands: [MCPCommand.self, MetricsCommand.self]),
      CommandGroup(name: "Clean-up", subcommands: [RestoreCommand.self, QuitCommand.self]),
      CommandGroup(name: "Trying and testing", subcommands: [LabVerb.self]),
      CommandGroup(name: "Other", subcommands: [CompletionCommand.self, DaemonCommand.self]),
    ])

  @OptionGroup(title: "Global options") var global: GlobalOptions

  /// Says where the user stands; all commands, if a program reads it.
  func run() async throws {
    guard Terminal.output.isTerminal else { throw CleanExit.helpRequest(self) }
    let context = try CommandContext(global)
    let daemon: Standing.Daemon =
      switch try await DaemonProbe.look(context.paths, within: .seconds(2)) {
      case .absent: .absent
      case .silent(let pid): .silent(pid: pid)
      case .answered(let status): .running(status)
      }
    let files = FileManager.default
    let standing = Standing(
      place: Standing.Place(global.cluster(context.settings)), daemon: daemon,
      hasProject: ["skaffold.yaml", "skaffold.yml"].contains(where: files.fileExists(atPath:)))
    standing.lines.forEach(Terminal.output.line)
  }
}

extension Standing.Place {
  /// Reads the kubeconfig; nothing is asked of the cluster.
  init(_ cluster: ClusterSelection) {
    var environment = ProcessInfo.processInfo.environment
    if !cluster.kubeconfig.isEmpty { environment["KUBECONFIG"] = cluster.kubeconfig.joined(separator: ":") }
    do throws(KubeError) {
      let access = try ClusterAccess.load(
        context: cluster.context, namespace: cluster.namespace, environment: environment)
      self = .cluster(context: access.contextName, namespace: access.namespace)
    } catch {
      self =
        switch error {
        case .config(_, _, _, let problem, let remedy): .none(problem: problem, remedy: remedy)
        default: .none(problem: "\(error)", remedy: nil)
        }
    }
  }
}
