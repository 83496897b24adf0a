import CControl
import ControlAPI
import FoundationEssentials

/// Turns this process into the shell's helper, which starts the command and ends with it.
struct ShellEntry {
  private let report: ShellReport
  private let command: [String]
  private let environment: [String: String]

  /// - Parameter command: empty for the person's own shell.
  init(_ report: ShellReport, command: [String], own: [String: String] = ProcessInfo.processInfo.environment) throws(ControlError) {
    self.report = report
    var environment = own.merging(report.environment) { _, new in new }
    // A proxy of the host's would take the connections away.
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
      environment[name] = nil
      environment[name.uppercased()] = nil
    }
    if command.isEmpty {
      let prompt = ShellPrompt(shell: own["SHELL"] ?? "/bin/sh", place: report.environment["DEVTUNNEL_SHELL"] ?? "")
      self.command = try prompt.command(&environment, directory: "/" + report.plan.split(separator: "/").dropLast().joined(separator: "/"))
    } else {
      self.command = command
    }
    self.environment = environment
  }

  /// - Throws: `.failed` where the helper cannot be started; otherwise it does not come back.
  func enter() throws(ControlError) {
    let arguments = [report.helper, "run", report.plan, "--"] + command
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let code = Self.withStrings(arguments) { arguments in
      Self.withStrings(variables) { variables in ccontrol_execute(report.helper, arguments, variables) }
    }
    throw .system("cannot start \(report.helper)", Int(code))
  }

  private static func withStrings(_ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32) -> Int32 {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
      let bytes = Array(text.utf8CString)
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      copy.initialize(from: bytes, count: bytes.count)
      return copy
    }
    pointers.append(nil)
    defer { for pointer in pointers { pointer?.deallocate() } }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
