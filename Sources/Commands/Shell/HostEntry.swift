import CControl
import ControlAPI
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Turns this process into the helper that routes the whole machine into the cluster, with root's rights.
struct HostEntry {
  private let report: ShellReport

  init(_ report: ShellReport) { self.report = report }

  /// - Throws: `.failed` if it cannot be started; otherwise it does not return.
  func enter(isRoot: Bool = geteuid() == 0, environment: [String: String] = ProcessInfo.processInfo.environment)
    throws(ControlError)
  {
    let program = try TrustedProgram.resolve(report.helper)
    let helper = [program, "host", report.plan]
    Terminal.error.line("This machine is in \(report.context) as long as this command runs; Ctrl-C ends it.")
    if isRoot { try ProgramEntry.become(program, helper, environment) }
    guard let sudo = ["/usr/bin/sudo", "/bin/sudo"].first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else {
      throw ControlError(
        .forbidden, "routes of the whole machine need root, and there is no sudo here",
        remedy: "Run the command as root.")
    }
    try ProgramEntry.become(sudo, [sudo, "--"] + helper, environment)
  }
}
