/// The workload's environment as a shell on the host takes it over: all of it, but for what belongs to the person or the machine.
public struct ShellEnvironment: Sendable, Hashable {
  public private(set) var variables: [String: String] = [:]
  public private(set) var warnings: [String] = []

  /// - Parameter exclude: further names that are not taken over; `*` at the end stands for anything.
  public init(workload: [String: String], exclude: [String] = []) {
    for (name, value) in workload.sorted(by: { $0.key < $1.key }) {
      guard !Self.isPersonal(name), !exclude.contains(where: { Self.matches(name, $0) }) else { continue }
      variables[name] = value
      if Self.startsPrograms.contains(name) {
        warnings.append("\(name) is the workload's and changes how programs start here (--env-exclude \(name) leaves it out)")
      }
    }
  }

  private static let personal: Set<String> = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "TERM", "COLORTERM", "TMPDIR", "TMP", "TEMP", "LANG", "LANGUAGE", "DISPLAY",
    "WAYLAND_DISPLAY", "EDITOR", "PAGER", "MAIL", "HOSTNAME", "SHLVL", "_",
  ]
  private static let personalPrefixes = ["LC_", "LD_", "XDG_", "SSH_", "DEVTUNNEL_"]
  /// Options that runtimes read at their start; often they name files of the container.
  private static let startsPrograms: Set<String> = [
    "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "RUBYOPT", "PERL5OPT",
    "BASH_ENV", "ENV",
  ]

  static func isPersonal(_ name: String) -> Bool { personal.contains(name) || personalPrefixes.contains { name.hasPrefix($0) } }

  static func matches(_ name: String, _ pattern: String) -> Bool {
    pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
  }
}
