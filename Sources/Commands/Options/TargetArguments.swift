import ArgumentParser
import ControlAPI
import FoundationEssentials

/// The target of an intercept in another cluster instead of this machine, such as the local cluster with the code under
/// development.
struct TargetArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Send requests to this Service, or KIND/NAME, of another cluster (default: the Service of the same name).",
      valueName: "target"),
    transform: checked(ObjectName.parseTarget))
  var to: String?

  @Option(help: ArgumentHelp("That cluster's context (default: the intercepted Service's).", valueName: "name"))
  var toContext: String?

  @Option(
    help: ArgumentHelp("The namespace there (default: the context's).", valueName: "name"),
    transform: checked(ObjectName.parseNamespace))
  var toNamespace: String?

  @Option(
    help: ArgumentHelp("The kubeconfig file with that context (default: that of --context).", valueName: "file"),
    completion: .file())
  var toKubeconfig: String?

  @Option(help: ArgumentHelp("An image for the gateway there other than that of a running Pod.", valueName: "image"))
  var toAgentImage: String?

  var isNamed: Bool { to != nil || toContext != nil || toNamespace != nil || toKubeconfig != nil }

  /// Returns the target.
  /// - Parameter cluster: that of the intercepted Service.
  /// - Returns: nil if no flag names another target than this machine.
  func target(
    of service: String, in cluster: ClusterSelection,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> InterceptTarget? {
    guard isNamed else { return nil }
    var there = cluster
    if toContext != nil || toKubeconfig != nil {
      there.context = toContext
      there.namespace = nil
      // An SSH host named by a flag belongs to the intercepted Service's cluster; settings may name one for this
      // context.
      there.bastion?.url = nil
      there.bastion?.hostKey = nil
    }
    if let toNamespace { there.namespace = toNamespace }
    if let toKubeconfig { there.kubeconfig = [GlobalOptions.absolute(toKubeconfig, home: environment["HOME"])] }
    return InterceptTarget(cluster: there, target: to ?? service, agentImage: toAgentImage)
  }
}
