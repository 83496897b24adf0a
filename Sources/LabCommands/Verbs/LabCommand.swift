import ArgumentParser
import Commands
import ControlAPI
import FoundationEssentials

/// The root of the command line: `devtunnel lab` hands its words over.
struct LabCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devtunnel lab", abstract: "A pocket cluster on this machine, for trying and testing.",
    usage: "devtunnel lab [<global options>] <subcommand> …",
    discussion: """
      Real Pods (runc, network namespaces, Services, cluster DNS) behind an API server \
      that kubectl takes for Kubernetes. Needs root.

      EXAMPLES:
        sudo devtunnel lab up --sample
        export KUBECONFIG=$(devtunnel lab status --output json | jq -r .kubeconfig)
        sudo devtunnel lab enter shop/client -- curl http://web
        sudo devtunnel lab down
      """,
    version: "devtunnel \(BuildVersion.current.version)",
    subcommands: [LabUp.self, LabStatus.self, LabEnter.self, LabDown.self, LabServe.self])

  @OptionGroup(title: "Global options") var global: GlobalOptions
}

struct LabOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The lab's name: several can run at once.", valueName: "name"),
    transform: { text in
      let isName =
        (1...30).contains(text.utf8.count)
        && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
      guard isName else { throw ValidationError("must be 1 to 30 of a-z, 0-9 and -") }
      return text
    })
  var name = "lab"

  var paths: LabPaths { LabPaths(name: name, environment: ProcessInfo.processInfo.environment) }

  /// Returns the running lab.
  /// - Throws: `.notFound` if no lab of this name runs.
  func running() throws(ControlError) -> (paths: LabPaths, record: LabRecord) {
    guard let record = LabProcess(paths: paths).running(), record.server != nil else {
      throw ControlError(.notFound, "no lab named \(name) runs", remedy: "`sudo devtunnel lab up` starts one")
    }
    return (paths, record)
  }
}
