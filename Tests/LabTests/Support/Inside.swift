import ControlAPI
import Foundation
import Operations
import Subprocess

/// The outcome of a script in a shell.
struct Outcome: Sendable, CustomStringConvertible {
  /// 128 and more after a signal; -1 where the helper itself was killed.
  var code: Int32
  var output: String
  var errors: String
  var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }
  var description: String { "exit status \(code), '\(output)', '\(errors)'" }
}

extension Lab {
  /// Opens a shell and runs a script in it.
  func inside(_ developer: ClusterOperations, _ request: ShellRequest, _ script: String) async throws -> Outcome {
    try await enter(try await developer.shell(request) { _ in }, script)
  }

  /// Runs a script the way the command does: by the helper. `$LAB` is the lab's directory.
  /// - Parameter wrapper: words before the helper's.
  func enter(_ report: ShellReport, _ script: String, wrapper: [String] = []) async throws -> Outcome {
    var own = report.environment
    own["LAB"] = directory
    let variables = own.map { (Environment.Key(rawValue: $0.key)!, Optional($0.value)) }
    let words = wrapper + [report.helper, "run", report.plan, "--", "/bin/bash", "-c", script]
    let done = try await Subprocess.run(
      .path(.init(words[0])), arguments: Arguments(Array(words.dropFirst())),
      environment: .inherit.updating(Dictionary(uniqueKeysWithValues: variables)),
      output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
    guard case .exited(let code) = done.terminationStatus else {
      return Outcome(code: -1, output: done.standardOutput, errors: done.standardError)
    }
    return Outcome(code: code, output: done.standardOutput, errors: done.standardError)
  }

  // MARK: Marks, by which a script and its test wait for each other

  func mark(_ name: String) throws { try "".write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8) }

  func untilMarked(_ name: String) async throws {
    try await eventually("the script has made \(name)") {
      FileManager.default.fileExists(atPath: "\(self.directory)/\(name)")
    }
  }

  /// Returns the content of a mark's file.
  func read(_ name: String) throws -> String {
    try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// For scripts: `await NAME` waits for a mark, 20 s at most.
  static let await =
    #"await() { for i in $(seq 400); do [ -e "$LAB/$1" ] && return; sleep 0.05; done; echo "no mark $1"; exit 99; };"#
}
