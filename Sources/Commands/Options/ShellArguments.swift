import ArgumentParser
import ControlAPI

/// What a shell takes over, for `shell` and for `intercept … -- COMMAND`.
struct ShellArguments: ParsableArguments {
  @Option(name: .customLong("host-port"), help: ArgumentHelp("Let 127.0.0.1:PORT inside be this machine's own; may be repeated.", valueName: "port"))
  var hostPorts: [UInt16] = []

  @Flag(help: "Copy the files of persistent volumes too.")
  var volumes = false

  @Option(help: ArgumentHelp("Leave a variable of the workload out; * at the end stands for anything; may be repeated.", valueName: "name"))
  var envExclude: [String] = []

  @OptionGroup var outbound: OutboundArguments

  func request(_ cluster: ClusterSelection) -> ShellRequest {
    var request = ShellRequest(cluster: cluster)
    request.outbound = outbound.options
    request.hostPorts = hostPorts
    request.volumes = volumes
    request.environmentExclude = envExclude
    return request
  }
}
