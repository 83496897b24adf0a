import ControlAPI
import FoundationEssentials

/// Turns this process into the shell's helper, which starts the command and ends with it.
struct ShellEntry {
  private let report: ShellReport
  private let command: [String]
  let environment: [String: String]

  /// - Parameter command: empty for the user's own shell.
  init(_ report: ShellReport, command: [String], own: [String: String] = ProcessInfo.processInfo.environment)
    throws(ControlError)
  {
    self.report = report
    // A proxy of the host's would take the connections away; one of the workload's is set if it was asked for.
    var environment = own.filter { name, _ in !["http_proxy", "https_proxy", "all_proxy"].contains(name.lowercased()) }
    environment.merge(report.environment) { _, new in new }
    if command.isEmpty {
      let prompt = ShellPrompt(shell: own["SHELL"] ?? "/bin/sh", place: report.environment["DEVTUNNEL_SHELL"] ?? "")
      self.command = try prompt.command(
        &environment, own: own, directory: "/" + report.plan.split(separator: "/").dropLast().joined(separator: "/"))
    } else {
      self.command = command
    }
    self.environment = environment
  }

  /// - Throws: `.failed` if the helper cannot be started; otherwise it does not return.
  func enter() throws(ControlError) {
    try ProgramEntry.become(report.helper, [report.helper, "run", report.plan, "--"] + command, environment)
  }
}
