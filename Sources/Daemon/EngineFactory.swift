import ControlAPI
import Logging
import Operations

/// The engine behind the control socket.
public func makeEngine(paths: ControlPaths, logger: Logger) throws(ControlError) -> any Engine {
  try ClusterOperations(ClusterOperations.Settings(journalPath: paths.journal + "/intercepts.json", runtime: paths.runtime), log: logger)
}
