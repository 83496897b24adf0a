import ArgumentParser
import ControlAPI
import FoundationEssentials
import Workloads

/// The parts of a workload that a shell takes over, for `shell` and for `intercept … -- COMMAND`.
struct ShellArguments: ParsableArguments {
  @Option(
    name: .customLong("host-port"),
    help: ArgumentHelp("Let 127.0.0.1:PORT inside be this machine's own; may be repeated.", valueName: "port"))
  var hostPorts: [UInt16] = []

  @Flag(help: "Copy the files of persistent volumes too.")
  var volumes = false

  @Option(
    help: ArgumentHelp(
      "Let a volume be at this path too, although programs here look for code or settings there; may be repeated.",
      valueName: "path"),
    transform: checked(Self.path))
  var volumeAt: [String] = []

  @Option(
    help: ArgumentHelp(
      "Include a variable of the workload that could run code here; * at the end matches anything; may be repeated.",
      valueName: "name"))
  var envInclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave a variable of the workload out; * at the end matches anything; may be repeated.", valueName: "name"))
  var envExclude: [String] = []

  @OptionGroup var outbound: OutboundArguments

  func request(_ cluster: ClusterSelection) -> ShellRequest {
    var request = ShellRequest(cluster: cluster)
    request.outbound = outbound.options
    request.hostPorts = hostPorts
    request.volumes = volumes
    request.variables = variables
    request.volumesAt = volumeAt
    request.ownDirectories =
      Self.ownDirectories(ProcessInfo.processInfo.environment) + [FileManager.default.currentDirectoryPath]
    return request
  }

  var variables: VariableChoice { VariableChoice(include: envInclude, exclude: envExclude) }

  /// Returns the directories of the user's own programs and their settings.
  static func ownDirectories(_ environment: [String: String]) -> [String] {
    let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return ([environment["HOME"] ?? ""] + path.split(separator: ":").map(String.init)).filter { $0.hasPrefix("/") }
  }

  private static func path(_ text: String) throws(ControlError) -> String {
    do throws(MountPath.Problem) {
      guard text.hasPrefix("/") else { throw .isRelative }
      return try MountPath(text).text
    } catch {
      throw ControlError(
        .badInput,
        "--volume-at \(text): it \(error.message); name a volume's path in the container, or a folder above it")
    }
  }
}
