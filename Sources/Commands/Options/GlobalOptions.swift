import ArgumentParser
import ControlAPI
import FoundationEssentials
import Logging

extension OutputFormat: ExpressibleByArgument {}
extension MoveConnections: ExpressibleByArgument {}
extension PortForwardProtocol: ExpressibleByArgument {}

/// The options that every command takes.
package struct GlobalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The kubeconfig file (default: KUBECONFIG, else ~/.kube/config).", valueName: "file"),
    completion: .file())
  var kubeconfig: String?

  @Option(help: ArgumentHelp("The kubeconfig's context (default: its current one).", valueName: "name"))
  var context: String?

  @Option(
    name: [.short, .long], help: ArgumentHelp("The namespace (default: the context's).", valueName: "name"),
    transform: checked(ObjectName.parseNamespace))
  var namespace: String?

  @Option(help: ArgumentHelp("Reach the API server through this SSH host.", valueName: "ssh://user@host[:port]"))
  var via: String?

  @Option(help: ArgumentHelp("Accept this host key of the SSH host and no other.", valueName: "SHA256:…"))
  var viaHostKey: String?

  @Option(help: ArgumentHelp("The framing of port-forwards: auto, spdy or v4.", valueName: "protocol"))
  var portForwardProtocol: PortForwardProtocol?

  @Option(
    help: ArgumentHelp("The level of the daemon's log, if this command starts the daemon.", valueName: "level"),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError("must be one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return level
    })
  var logLevel: Logger.Level?

  @Flag(name: [.short, .long], help: "Show all progress at once, and start the daemon with log level debug.")
  package var verbose = false

  package init() {}
}

extension GlobalOptions {
  /// Returns the cluster that is meant: flags, then settings, then `KUBECONFIG`.
  func cluster(_ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment)
    -> ClusterSelection
  {
    var cluster = ClusterSelection(context: context ?? settings.context, namespace: namespace ?? settings.namespace)
    cluster.portForwardProtocol = portForwardProtocol ?? settings.portForwardProtocol ?? .auto
    if via != nil || settings.via != nil || !settings.viaByContext.isEmpty {
      var bastion = BastionSelection(
        url: via ?? settings.via, home: environment["HOME"] ?? "/",
        user: environment["USER"] ?? environment["LOGNAME"] ?? "", agentSocket: environment["SSH_AUTH_SOCK"])
      bastion.byContext = settings.viaByContext
      bastion.hostKey = viaHostKey ?? settings.viaHostKey
      cluster.bastion = bastion
    }
    if let file = kubeconfig ?? settings.kubeconfig {
      cluster.kubeconfig = [Self.absolute(file, home: environment["HOME"])]
    } else {
      cluster.kubeconfig = (environment["KUBECONFIG"] ?? "").split(separator: ":").map {
        Self.absolute(String($0), home: nil)
      }
    }
    return cluster
  }

  /// Returns the cluster if a flag names it; nil leaves the choice to the daemon, which knows what is running.
  func namedCluster(_ settings: Settings) -> ClusterSelection? {
    kubeconfig != nil || context != nil ? cluster(settings) : nil
  }

  /// Makes a path absolute: the daemon has a working directory of its own, so a path must not depend on ours.
  static func absolute(_ path: String, home: String?) -> String {
    if path.hasPrefix("/") { return path }
    if let home, path.hasPrefix("~/") { return joined(home, String(path.dropFirst(2))) }
    return joined(FileManager.default.currentDirectoryPath, path)
  }

  private static func joined(_ directory: String, _ path: String) -> String {
    (directory.hasSuffix("/") ? directory : directory + "/") + path
  }
}

package struct OutputOptions: ParsableArguments {
  @Option(name: [.short, .long], help: ArgumentHelp("The format of printed data: table or json.", valueName: "format"))
  var output: OutputFormat?

  package init() {}
}
