import ControlAPI
import DevLoop
import FoundationEssentials
import KubeAPI
import Logging
import Manifests

/// The state that the dev loop's commands share: from options to a `LoopSetup`.
struct LoopContext: Sendable {
  let context: CommandContext
  let cluster: ClusterSelection
  var setup: LoopSetup
  /// Skaffold's settings, in the environment and in skaffold.env.
  let variables: SkaffoldVariables
  /// The namespace that an option or a variable names.
  let namespace: String?

  /// - Parameter cluster: nil for the one that the global options name.
  init(
    _ global: GlobalOptions, project: ProjectArguments, target: LocalClusterArguments? = nil,
    cluster: ClusterSelection? = nil
  ) throws(ControlError) {
    context = try CommandContext(global)
    let environment = ProcessInfo.processInfo.environment
    let (all, warnings) = try Self.variables(environment)
    let variables = SkaffoldVariables(all)
    self.variables = variables
    for note in warnings + variables.notes { ErrorOutput.warn(note) }
    var chosen = if let cluster { cluster } else { try Self.local(global, context.settings) }
    let flags = cluster.map { ($0.context, $0.namespace) } ?? (global.context, global.namespace)
    namespace = flags.1 ?? variables.namespace
    chosen.context = flags.0 ?? variables.kubeContext ?? chosen.context
    chosen.namespace = namespace ?? chosen.namespace
    if let file = variables.kubeconfig, global.kubeconfig == nil, cluster == nil {
      chosen.kubeconfig = [GlobalOptions.absolute(file, home: environment["HOME"])]
    }
    self.cluster = chosen
    let stateDirectory = context.paths.state + "/dev-loop"
    setup = LoopSetup(
      project: try project.project(environment: environment, stateDirectory: stateDirectory, variables),
      stateDirectory: stateDirectory, cacheDirectory: try Self.cache(environment)
    ) { [chosen] name throws(LoopError) in
      var selection = chosen
      selection.context = chosen.context ?? name
      return try Self.client(selection)
    }
    setup.context = chosen.context
    setup.builder = target?.builder?.kind
    setup.load = target?.load
    setup.allowedContexts = Set(target?.allowContext ?? [])
    if Terminal.error.isTerminal { setup.ask = { question in Terminal.ask("\(question) [yes/no] ") == "yes" } }
  }

  /// Returns the cluster to build for and deploy to. It is on this machine, so no SSH host is involved.
  private static func local(_ global: GlobalOptions, _ settings: Settings) throws(ControlError) -> ClusterSelection {
    if let via = global.via {
      throw ControlError(
        .badInput, "--via \(via) is not for the local cluster, which this command builds for",
        remedy: "Leave it out. With `devtunnel dev` it reaches the remote cluster.")
    }
    var cluster = global.cluster(settings)
    cluster.bastion = nil
    return cluster
  }

  /// Returns the cache's folder. It is never in /tmp: another user could make it first and choose what is built.
  static func cache(_ environment: [String: String]) throws(ControlError) -> String {
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/devtunnel" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/devtunnel" }
    throw ControlError(
      .badInput, "HOME is not set, so there is no place to remember builds", remedy: "Set HOME or XDG_CACHE_HOME.")
  }

  /// Returns the process's variables with those of skaffold.env, and warnings about lines there that do not count.
  private static func variables(_ environment: [String: String]) throws(ControlError) -> (
    variables: [String: String], warnings: [String]
  ) {
    do throws(LoopError) {
      return try Project.variables(in: FileManager.default.currentDirectoryPath, environment)
    } catch {
      throw ControlError(error)
    }
  }

  /// Reads the kubeconfig; nothing is sent.
  static func client(_ cluster: ClusterSelection) throws(LoopError) -> KubeClient {
    do throws(KubeError) {
      var environment = ProcessInfo.processInfo.environment
      if !cluster.kubeconfig.isEmpty { environment["KUBECONFIG"] = cluster.kubeconfig.joined(separator: ":") }
      let access = try ClusterAccess.load(
        context: cluster.context, namespace: cluster.namespace, environment: environment)
      return KubeClient(access, log: Logger(label: "watch", factory: { _ in SwiftLogNoOpLogHandler() }))
    } catch {
      throw LoopError(.cluster, error.description)
    }
  }

  /// Describes the cluster that `client` reaches as a selection for the daemon.
  func selection(_ client: KubeClient) -> ClusterSelection {
    var selection = cluster
    selection.context = client.access.contextName
    selection.namespace = client.access.namespace
    return selection
  }
}

extension ControlError {
  init(_ error: LoopError) {
    self.init(
      error.isCancelled ? .cancelled : .failed, "\(at: error.position)\(error.message)",
      // Each mistake has its own remedy behind it.
      remedy: error.others.isEmpty ? error.remedy : nil,
      details: error.details + (error.others.isEmpty ? [] : (error.remedy.map { [$0] } ?? []) + error.others))
  }
}
