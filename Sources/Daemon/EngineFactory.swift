import ControlAPI
import Logging
import Operations

/// Makes the engine behind the control socket.
public func makeEngine(paths: ControlPaths, logger: Logger) throws(ControlError) -> any Engine {
  let settings = ClusterOperations.Settings(
    journalPath: paths.journal + "/intercepts.json", runtime: paths.runtime, installationPath: paths.installation,
    agentsPath: paths.journal + "/agents.json")
  return try ClusterOperations(settings, log: logger)
}
