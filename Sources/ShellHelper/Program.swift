import Glibc
import TerminalText

/// The program devtunnel-shell: its arguments and exit status.
public enum ShellProgram {
  static let name = "devtunnel-shell"
  /// devtunnel-shell itself failed, as with env(1) and others.
  static let failure: Int32 = 125

  private static let usage = """
    usage: devtunnel-shell run PLAN -- COMMAND ARGS…   runs a command in a namespace whose network is the tunnel
           devtunnel-shell host PLAN                   routes this host itself into the cluster, as root
           devtunnel-shell probe                       checks whether this host allows that

    devtunnel starts it; docs/shell-helper.md describes a PLAN.
    """

  /// Runs to the end and returns the exit status. It must be called while the process has one thread.
  public static func run(_ arguments: [String] = CommandLine.arguments) -> Int32 {
    let rest = Array(arguments.dropFirst())
    do {
      switch rest.first {
      case "run" where rest.count >= 4 && rest[2] == "--":
        return try ShellRun(plan: PlanParser.read(path: rest[1]), command: Array(rest[3...])).run()
      case "host" where rest.count == 2: return try HostRun(plan: HostPlan.read(path: rest[1])).run()
      case "probe" where rest.count == 1: return Probe.run()
      default:
        complain(usage)
        return failure
      }
    } catch {
      complain("\(name): \(error)")
      return failure
    }
  }

  static func complain(_ text: String) {
    let bytes = Array((TerminalText.visible(text) + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}
