import Agents
import ControlAPI
import FoundationEssentials

/// The helper's executable, which is next to this one's.
public enum ShellProgram {
  public static let name = "devtunnel-shell"

  /// - Throws: `.failed` if it is missing.
  public static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws(ControlError)
    -> String
  {
    if let named = environment["DEVTUNNEL_SHELL_HELPER"], FileManager.default.isExecutableFile(atPath: named) {
      return named
    }
    if let found = Installation.program(name) { return found }
    throw ControlError(
      .failed, "the program \(name) was not found beside the executable",
      remedy: "run ./install.sh, or set DEVTUNNEL_SHELL_HELPER to its path")
  }
}
