import ControlAPI
import Subprocess
import Threads

/// A check of whether a shell's namespace can be made on this machine.
public struct ShellProbe: Sendable, Hashable {
  /// The number of steps that work.
  public var steps = 0
  /// The first step that fails, with the reason.
  public var problem: String?
  public var remedy: String?

  /// Runs the helper's probe: every step in a throwaway child.
  /// - Throws: `.failed` if the helper is missing or cannot be started.
  public static func run() async throws(ControlError) -> ShellProbe {
    let helper = try ShellProgram.find()
    do {
      let (program, arguments) = OpenFiles.command(helper, ["probe"])
      let outcome = try await Subprocess.run(
        .path(.init(program)), arguments: Arguments(arguments), output: .string(limit: 64 << 10),
        error: .string(limit: 64 << 10))
      return ShellProbe(output: outcome.standardOutput)
    } catch {
      throw ControlError(.failed, "\(helper) could not be run: \(error)", remedy: "Run ./install.sh again.")
    }
  }

  /// - Parameter output: a line per step, `ok STEP` or `fail STEP REASON`; the remedy follows a failure.
  init(output: String) {
    for line in output.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("ok ") {
        steps += 1
      } else if line.hasPrefix("fail ") {
        if problem == nil { problem = String(line.dropFirst(5)) }
      } else if problem != nil {
        remedy = [remedy, String(line).trimmingSpaces].compactMap { $0 }.joined(separator: " ")
      }
    }
    if steps == 0, problem == nil { problem = "the probe printed nothing" }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
