import ControlAPI
import FoundationEssentials

/// The helper's executable, which is next to this one's.
public enum ShellProgram {
  public static let name = "devtunnel-shell"

  /// - Throws: `.failed` if it is missing.
  public static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws(ControlError)
    -> String
  {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
    let folder = "/" + executable.split(separator: "/").dropLast().joined(separator: "/")
    let places =
      [environment["DEVTUNNEL_SHELL_HELPER"]].compactMap { $0 } + [
        "\(folder)/\(name)", "\(folder)/../libexec/devtunnel/\(name)",
      ]
    // Tests run in a bundle whose folder is the products' own.
    if let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) { return found }
    throw ControlError(
      .failed, "the program \(name) was not found beside the executable",
      remedy: "run ./install.sh, or set DEVTUNNEL_SHELL_HELPER to its path")
  }
}
