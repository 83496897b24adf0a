import ControlAPI

/// A workload's environment for processes on the host. It leaves out variables that belong to the user or the machine,
/// and those that would run code, load code or change what programs trust.
public struct HostEnvironment: Sendable, Hashable {
  /// The variables to set on the host.
  public private(set) var variables: [String: String] = [:]
  /// Left out because of the harm that they could do here; sorted.
  public private(set) var guarded: [String] = []

  /// - Parameter choice: the user's patterns; `exclude` takes precedence over `include`.
  public init(workload: [String: String], choice: VariableChoice = VariableChoice()) {
    for (name, value) in workload.sorted(by: { $0.key < $1.key }) {
      guard Self.canBeCarried(name, value), !Self.isOurs(name),
        !choice.exclude.contains(where: { Self.matches(name, $0) })
      else { continue }
      if !choice.include.contains(where: { Self.matches(name, $0) }) {
        if GuardedVariables.personal.covers(name) { continue }
        if !Self.isServiceLink(name), GuardedVariables.groups.contains(where: { $0.covers(name) }) {
          guarded.append(name)
          continue
        }
      }
      variables[name] = value
    }
  }

  /// At most one line, with the variables that were left out because of the harm that they could do here.
  public var warnings: [String] {
    guard !guarded.isEmpty else { return [] }
    return [
      "these variables of the workload are left out, since they could run code here or change what programs trust: "
        + "\(guarded.joined(separator: ", ")); --env-include NAME includes one"
    ]
  }

  /// Checks that execve(2) can carry the variable as a `NAME=VALUE` text that ends with a NUL: with another "=" or NUL,
  /// the name would be another variable's.
  private static func canBeCarried(_ name: String, _ value: String) -> Bool {
    !name.isEmpty && !name.utf8.contains(0) && !name.utf8.contains(UInt8(ascii: "=")) && !value.utf8.contains(0)
  }

  /// Checks for devtunnel's own variables: they name its programs and what it has made. No workload sets them, whatever
  /// the user includes.
  private static func isOurs(_ name: String) -> Bool { name.hasPrefix("DEVTUNNEL_") }

  /// Checks for addresses and ports of Services, such as `GIT_SERVICE_HOST` and `GIT_PORT_22_TCP` of a Service `git`:
  /// no program starts others because of them.
  private static func isServiceLink(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "_")
    }
    return isPlain
      && (["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].contains(where: name.hasSuffix) || name.contains("_SERVICE_PORT_")
        || ["_TCP", "_UDP", "_SCTP"].contains { name.contains("_PORT_") && name.contains($0) })
  }

  static func matches(_ name: String, _ pattern: String) -> Bool {
    pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
  }
}
