import Commands

/// The process of `devtunnel-lab`.
public enum LabTool {
  /// Runs the command line, and ends the process with its status.
  public static func main() async -> Never { await CommandLineTool.main(LabCommand.self) }
}
