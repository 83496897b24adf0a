import ControlAPI
import Subprocess
import Threads

/// True if a shell's namespace can be made on this machine.
public struct ShellProbe: Sendable, Hashable {
  /// Steps that work.
  public var steps = 0
  /// The first step that does not, and why.
  public var problem: String?
  public var remedy: String?

  /// Runs the helper's probe: every step in a throwaway child.
  /// - Throws: `.failed` where the helper is not there or cannot be started.
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

  /// - Parameter output: a line a step, `ok STEP` or `fail STEP REASON`; what follows a failure says what to do.
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
    if steps == 0, problem == nil { problem = "the probe said nothing" }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
