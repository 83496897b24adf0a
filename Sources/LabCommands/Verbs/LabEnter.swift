import ArgumentParser
import Commands
import ControlAPI
import Glibc
import LabNode

struct LabEnter: AsyncParsableCommand, HandlesSignals {
  static let configuration = CommandConfiguration(
    commandName: "enter", abstract: "Runs a program of this machine in a Pod's network.",
    discussion: """
      The program sees this machine's files, and the Pod's addresses, routes and DNS.

      EXAMPLES:
        sudo devtunnel lab enter shop/client -- curl http://web
      """)

  @Argument(help: ArgumentHelp("The Pod.", valueName: "namespace/name"))
  var pod: String

  @Argument(parsing: .postTerminator, help: "The program and its arguments.")
  var command: [String]

  @OptionGroup var lab: LabOptions

  func validate() throws {
    guard pod.split(separator: "/", omittingEmptySubsequences: false).count == 2 else {
      throw ValidationError("name the Pod as NAMESPACE/NAME")
    }
    guard !command.isEmpty else { throw ValidationError("name the program after --") }
  }

  func run() async throws {
    try LabRequirements.checkRoot("enter")
    let (paths, _) = try lab.running()
    let parts = pod.split(separator: "/").map(String.init)
    let uid = try await LabCluster(paths).uid(ofPod: parts[1], namespace: parts[0])
    let entrance = LabNode.entrance(stateDirectory: paths.node, podUID: uid)
    guard access(entrance.networkNamespace, F_OK) == 0, access(entrance.resolvConf, F_OK) == 0 else {
      throw ControlError(.notFound, "Pod \(pod) does not run yet", remedy: "`devtunnel lab status` shows its state")
    }
    let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\""
    try replaceProcess(
      [
        "nsenter", "--net=" + entrance.networkNamespace, "--", "unshare", "--mount", "--", "sh", "-c", script,
        entrance.resolvConf,
      ] + command)
  }

  private func replaceProcess(_ arguments: [String]) throws(ControlError) {
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    words.append(nil)
    execvp(arguments[0], words)
    throw ControlError(
      .failed, "cannot run \(arguments[0]): \(String(cString: strerror(errno)))", remedy: "apt-get install util-linux")
  }
}
